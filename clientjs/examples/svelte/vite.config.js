import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The site of make demo, with the login and the token endpoint. Log in at /login/ first. The gateway
// needs the origin of this page in SOCKGATE_ORIGINS.
const SITE = process.env.SITE || "http://127.0.0.1:8000";

export default defineConfig({ plugins: [svelte()], server: { proxy: { "/realtime": SITE, "/login": SITE } } });
