import { createApp } from "vue";
import { connect } from "sockgate";
import { createSockgate } from "sockgate/vue";

import Room from "./Room.vue";

createApp(Room, { channel: "room:lobby" }).use(createSockgate(connect())).mount("#root");
