/**
 * The style sheet of the badge, inside its shadow root.
 */
export var STYLE = [
  ":host { all: initial; position: fixed; left: 8px; bottom: 8px; z-index: 2147483647; }",
  "@media print { :host { display: none; } }",
  "section { max-width: min(30em, calc(100vw - 16px)); border: 1px solid #667; border-radius: 6px; }",
  "section { background: #1c1f26; color: #fff; font: 12px/1.5 system-ui, sans-serif; }",
  "section { box-sizing: border-box; text-align: start; overflow: hidden; }",
  "section[hidden], dl[hidden] { display: none; }",
  "header { display: flex; }",
  "button { border: 0; padding: 3px 8px; background: none; color: inherit; font: inherit; }",
  "button { cursor: pointer; }",
  "button:hover { background: #363c4a; }",
  "button:focus-visible { outline: 2px solid #8cf; outline-offset: -2px; }",
  "#summary { flex: 1; text-align: start; }",
  "#summary::before { content: ''; display: inline-block; width: 8px; height: 8px; }",
  "#summary::before { margin-inline-end: 6px; border-radius: 4px; background: #fb3; }",
  "[data-state=connected] #summary::before { background: #3c6; }",
  "[data-state=closed] #summary::before { background: #f66; }",
  "dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 8px; margin: 0; }",
  "dl { padding: 4px 8px 6px; border-top: 1px solid #667; }",
  "dt { color: #bbc; }",
  "dd { margin: 0; overflow-wrap: anywhere; }"
].join("\n");
