// Sanitize the HTML of standard input with the defaults of DOMPurify.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../clientjs/package.json", import.meta.url));
const { JSDOM } = require("jsdom");
const createDOMPurify = require("dompurify");

process.stdout.write(createDOMPurify(new JSDOM("").window).sanitize(readFileSync(0, "utf8")));
