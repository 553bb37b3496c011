/** Put what was built where Django and the gateway serve it from. */
import { copyFileSync, mkdirSync } from "node:fs";

const COPIES = {
  "../djangoauth/static/djangoauth": ["sockgate.js", "sockgate.js.map"],
  "../gateway/sockjs/static": ["sockjs.js"],
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
