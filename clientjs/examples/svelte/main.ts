import { connect } from "sockgate";
import { mount } from "svelte";

import Room from "./Room.svelte";

const target = document.getElementById("root")!;
mount(Room, { target, props: { client: connect(), channel: "room:lobby" } });
