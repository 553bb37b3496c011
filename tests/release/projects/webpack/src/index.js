import { connect } from "sockgate";

const options = new URLSearchParams(location.hash.slice(1));
const rt = connect({ url: options.get("url"), token: options.get("token"), tokenUrl: null });

rt.ready({ timeout: 30_000 }).then(() => (document.getElementById("state").textContent = rt.state));
rt.on("news", ({ title }) => (document.getElementById("news").textContent = title));
