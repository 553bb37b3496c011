/**
 * The style sheet of dialog and cover, inside their shadow root. The colours are those of the page's `color-scheme`, unless
 * the page sets the custom properties.
 */
export const STYLE = `
:host { all: initial; color-scheme: inherit; }
dialog {
  box-sizing: border-box; padding: 1.25rem 1.5rem;
  font: 1rem/1.5 system-ui, sans-serif; font: var(--sockgate-guard-font, 1rem/1.5 system-ui, sans-serif);
  color: var(--sockgate-guard-color, CanvasText); background: var(--sockgate-guard-background, Canvas);
}
dialog[open] { position: fixed; inset: 0; z-index: 2147483647; }
dialog:not([open]) { display: none; }
#warning {
  inline-size: 30rem; max-inline-size: calc(100vw - 2rem); block-size: fit-content; max-block-size: calc(100vh - 2rem);
  margin: auto; overflow: auto; border: 1px solid GrayText; border-radius: .75rem;
  box-shadow: 0 .5rem 2rem rgba(0, 0, 0, .35);
}
#warning::backdrop { background: rgba(0, 0, 0, .45); }
#cover {
  inline-size: 100%; block-size: 100%; max-inline-size: none; max-block-size: none; margin: 0; border: 0;
  overflow: auto; text-align: center;
}
#cover[open] { display: grid; place-content: center; justify-items: center; }
#cover::backdrop { background: Canvas; }
#cover.checking > * { animation: appear 1ms .6s both; }
@keyframes appear { from { visibility: hidden; } }
h2 { margin: 0 0 .5rem; font-size: 1.35rem; line-height: 1.25; }
p { margin: 0 0 .75rem; max-inline-size: 36rem; overflow-wrap: anywhere; }
[hidden] { display: none; }
#left { font-weight: 600; font-variant-numeric: tabular-nums; }
#failed { color: #c5221f; color: light-dark(#b3261e, #f2b8b5); }
.quiet { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; margin: 1rem 0 0; }
#cover .actions { justify-content: center; }
button, a {
  padding: .55rem 1.1rem; border: 1px solid GrayText; border-radius: .5rem; font: inherit; text-decoration: none;
  color: inherit; background: transparent; cursor: pointer;
}
.primary { border-color: transparent; color: #fff; background: var(--sockgate-guard-accent, #0b57d0); font-weight: 600; }
button[disabled] { opacity: .6; cursor: progress; }
:focus-visible { outline: 3px solid var(--sockgate-guard-color, CanvasText); outline-offset: 2px; }
@media (forced-colors: active) { button, a, .primary { border-color: ButtonText; } }
`;

/** For browsers without constructed style sheets, by the CSSOM, which a policy without inline styles allows. */
export const ESSENTIAL =
  "position:fixed;top:0;left:0;right:0;bottom:0;width:auto;height:auto;max-width:none;max-height:none;margin:0;" +
  "z-index:2147483647;background:#fff;color:#000;font:16px/1.5 sans-serif;overflow:auto";
