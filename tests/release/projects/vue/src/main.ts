import { connect } from "sockgate";
import { createSockgate } from "sockgate/vue";
import { createApp } from "vue";
import Page from "./Page.vue";
import type { Events } from "./events";

const options = new URLSearchParams(location.hash.slice(1));
const rt = connect<Events>({
  url: options.get("url") ?? "",
  token: options.get("token"),
  tokenUrl: null,
});

createApp(Page).use(createSockgate(rt)).mount("#root");
