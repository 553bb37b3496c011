/** Copy the built files to the folders from which Django and the gateway serve them. */
import { copyFileSync, mkdirSync } from "node:fs";

const COPIES = {
  "../djangoauth/sockgate/static/sockgate": [
    "sockgate.js",
    "sockgate-full.js",
    "sockgate-sockjs.js",
    "sockgate-shared.js",
    "sockgate-live.js",
    "sockgate-html.js",
    "sockgate-htmx.js",
    "sockgate-turbo.js",
    "sockgate-state.js",
    "sockgate-tag.js",
    "sockgate-guard.js",
    "sockgate-progress.js",
    "sockgate.mjs",
    "sockgate.d.ts",
    "badge.js",
  ],
  "../gateway/sockgate_gateway/sockjs/static": ["sockjs.js"],
};

for (const [folder, names] of Object.entries(COPIES)) {
  mkdirSync(new URL(folder, import.meta.url), { recursive: true });
  for (const name of names) {
    copyFileSync(
      new URL(`dist/${name}`, import.meta.url),
      new URL(`${folder}/${name}`, import.meta.url),
    );
  }
}
