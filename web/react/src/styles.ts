/**
 * Colours come in pairs, light and dark; `color-scheme` picks one. Set `--darkroom-…` on the
 * component or above it to change them.
 */
export const STYLES = `
.darkroom {
  --dr-canvas: var(--darkroom-canvas, light-dark(#f4f2ee, #0b0a09));
  --dr-surface: var(--darkroom-surface, light-dark(#fbfaf8, #121010));
  --dr-well: var(--darkroom-well, light-dark(#eae6df, #1f1b1a));
  --dr-ink: var(--darkroom-ink, light-dark(#1c1917, #f3efea));
  --dr-soft: var(--darkroom-soft, light-dark(#57514b, #b5ada4));
  --dr-line: var(--darkroom-line, light-dark(#e2ddd5, #272321));
  --dr-edge: var(--darkroom-edge, light-dark(#8c847a, #746b63));
  --dr-hover: light-dark(#1c19170d, #ffffff12);
  --dr-accent: var(--darkroom-accent, light-dark(#c2410c, #ff7a3d));
  --dr-accent-up: var(--darkroom-accent-hover, light-dark(#a8370a, #ff9460));
  --dr-on-accent: var(--darkroom-on-accent, light-dark(#fff, #1d0c03));
  --dr-look: var(--darkroom-look, light-dark(#855600, #f2b84b));
  --dr-bad: var(--darkroom-bad, light-dark(#b3193f, #ff7f91));
  --dr-done: light-dark(#a8a096, #5d554e);
  --dr-pad: clamp(16px, 4vw, 24px);
  --dr-radius: var(--darkroom-radius, 8px);
  color-scheme: light dark;
  container-type: inline-size;
  position: relative;
  display: flex;
  flex-direction: column;
  gap: 16px;
  padding: var(--dr-pad) var(--dr-pad) 0;
  background: var(--dr-canvas);
  color: var(--dr-ink);
  font: 400 14px/20px var(--darkroom-font, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif);
  border-radius: 12px;
  outline: none;
  overflow-wrap: anywhere;
}
.darkroom-theme-light { color-scheme: light; }
.darkroom-theme-dark { color-scheme: dark; }
.darkroom *, .darkroom ::before { box-sizing: border-box; }
.darkroom :is(h2, h3, p, ul, fieldset) { margin: 0; padding: 0; border: 0; list-style: none; font: inherit; min-width: 0; }
.darkroom h2 { font-weight: 650; font-size: 20px; line-height: 28px; letter-spacing: -.01em; }
.darkroom h3 { font-weight: 600; }
.darkroom :focus-visible { outline: 2px solid var(--dr-accent); outline-offset: 2px; }
.darkroom > :is(input, style) { position: absolute; }
.darkroom-soft, .darkroom-detail, .darkroom-size { color: var(--dr-soft); }
.darkroom-soft { font-weight: 400; font-size: 14px; }
.darkroom-bad { color: var(--dr-bad); }
.darkroom-look { color: var(--dr-look); }
.darkroom-unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.darkroom-button { font: inherit; font-weight: 600; color: inherit; min-height: 44px; padding: 0 16px; border: 0; border-radius: var(--dr-radius); background: none; box-shadow: inset 0 0 0 1px var(--dr-edge); cursor: pointer; white-space: nowrap; }
.darkroom-button:hover { background: var(--dr-hover); }
.darkroom-bare { box-shadow: none; padding: 0 12px; }
.darkroom-main { background: var(--dr-accent); color: var(--dr-on-accent); box-shadow: none; padding: 0 20px; }
.darkroom-main:hover { background: var(--dr-accent-up); }
.darkroom-button:disabled { opacity: .45; cursor: default; }
.darkroom-link { font: inherit; font-size: 12px; line-height: 16px; font-weight: 600; color: inherit; background: none; border: 0; padding: 4px 0; text-align: left; text-decoration: underline; text-underline-offset: 3px; cursor: pointer; }

.darkroom-empty { display: flex; flex-direction: column; align-items: center; gap: 16px; padding: 64px 16px; margin-bottom: var(--dr-pad); text-align: center; border: 1.5px dashed var(--dr-edge); border-radius: 12px; }
.darkroom-empty h2 { font-size: 28px; line-height: 36px; font-weight: 680; letter-spacing: -.02em; max-width: 20em; text-wrap: balance; }
.darkroom-empty > p { font-size: 16px; line-height: 24px; color: var(--dr-soft); max-width: 40em; text-wrap: pretty; }
.darkroom-empty > .darkroom-detail { font-size: 13px; line-height: 20px; }
.darkroom-is-over > * { opacity: .35; }
.darkroom-is-over > .darkroom-drop { opacity: 1; }
.darkroom-drop { position: absolute; inset: 8px; z-index: 2; display: grid; place-items: center; font-size: 20px; font-weight: 650; border-radius: 8px; box-shadow: inset 0 0 0 2px var(--dr-accent); pointer-events: none; }

.darkroom-row { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.darkroom-row > :first-child { margin-right: auto; }
.darkroom-split { display: grid; gap: 24px; align-items: start; }
.darkroom-grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 104px), 1fr)); gap: 16px 12px; align-items: start; }
.darkroom-tile { display: grid; gap: 2px; content-visibility: auto; contain-intrinsic-size: auto 180px; font-size: 12px; line-height: 16px; }
.darkroom-picture { position: relative; aspect-ratio: 1; margin-bottom: 4px; border-radius: 4px; overflow: hidden; display: grid; place-items: center; background: var(--dr-well); }
.darkroom-picture img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
.darkroom-picture .darkroom-result { object-fit: contain; background: repeating-conic-gradient(light-dark(#fff, #2a2624) 0 25%, light-dark(#dfdad2, #1e1b19) 0 50%) 0 0 / 12px 12px; }
.darkroom-kind { font-weight: 600; letter-spacing: .04em; color: var(--dr-soft); }
.darkroom-tile .darkroom-name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.darkroom-tile .darkroom-picture > :not(button) { transition: opacity .24s, filter .24s; }
.darkroom-is-waiting .darkroom-picture > :not(button) { opacity: .35; }
.darkroom-is-skipped .darkroom-picture > :not(button), .darkroom-is-failed .darkroom-picture > :not(button) { opacity: .4; filter: grayscale(1); }
.darkroom-is-skipped .darkroom-reason { color: var(--dr-look); }
.darkroom-is-failed .darkroom-reason { color: var(--dr-bad); }
.darkroom-is-sent .darkroom-picture::after { content: ""; position: absolute; inset: 0 0 auto; height: 2px; background: var(--dr-accent); animation: darkroom-scan 2s cubic-bezier(.4, 0, .6, 1) infinite alternate; }
@keyframes darkroom-scan { to { top: 100%; } }
.darkroom-remove { position: absolute; top: 4px; right: 4px; width: 28px; height: 28px; padding: 6px; border: 0; border-radius: 50%; background: #1c1917b3; color: #fff; cursor: pointer; }
.darkroom-remove::before { content: ""; position: absolute; inset: -8px; }
.darkroom-remove svg { display: block; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; }

.darkroom-options { display: grid; grid-template-columns: minmax(0, 1fr); gap: 4px; padding: 8px 16px !important; background: var(--dr-surface); border-radius: 12px; }
.darkroom-check, .darkroom-field { display: flex; align-items: center; gap: 12px; min-height: 44px; font-weight: 500; }
.darkroom-check input { width: 18px; height: 18px; margin: 0; accent-color: var(--dr-accent); }
.darkroom-field > span { flex: 0 0 84px; }
.darkroom-field input { flex: none; width: 44px; height: 36px; padding: 2px; background: var(--dr-canvas); border: 1px solid var(--dr-edge); border-radius: var(--dr-radius); }
.darkroom-field select { flex: 1; min-width: 0; min-height: 36px; padding: 0 8px; font: inherit; color: inherit; background: var(--dr-canvas); border: 1px solid var(--dr-edge); border-radius: var(--dr-radius); }

.darkroom-notice { display: flex; flex-wrap: wrap; align-items: center; gap: 12px 16px; padding: 12px 16px; background: var(--dr-surface); border-radius: var(--dr-radius); box-shadow: inset 3px 0 0 var(--dr-edge); }
.darkroom-notice.darkroom-is-bad { box-shadow: inset 3px 0 0 var(--dr-bad); }
.darkroom-notice.darkroom-is-look { box-shadow: inset 3px 0 0 var(--dr-look); }
.darkroom-text { flex: 1 1 16em; font-weight: 500; }
.darkroom-attention { display: grid; gap: 8px; padding: 12px 16px; background: var(--dr-surface); border-radius: 12px; }
.darkroom-reasons { display: grid; gap: 8px; max-height: 16em; overflow: auto; }
.darkroom-reasons li { display: grid; }
.darkroom-reasons .darkroom-name { font-weight: 500; }
.darkroom-why, .darkroom-notice .darkroom-reasons { font-weight: 400; color: var(--dr-soft); }

.darkroom-bar { position: sticky; bottom: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: 12px 16px; margin: 0 calc(-1 * var(--dr-pad)); padding: 16px var(--dr-pad); background: var(--dr-surface); border-radius: 0 0 12px 12px; border-top: 1px solid var(--dr-line); }
.darkroom-track { position: absolute; inset: -3px 0 auto; height: 4px; background: var(--dr-line); }
.darkroom-track > * { position: absolute; inset: 0 auto 0 0; transition: width .48s cubic-bezier(.2, .7, .2, 1); }
.darkroom-sent { background: var(--dr-done); }
.darkroom-processed { background: var(--dr-accent); }
.darkroom-is-done .darkroom-processed { background: var(--dr-done); }
.darkroom-says { flex: 1 1 14em; }
.darkroom-title { font-size: 16px !important; line-height: 24px !important; font-weight: 600 !important; font-variant-numeric: tabular-nums; }
.darkroom-percent { font-weight: 400; color: var(--dr-soft); }
.darkroom-detail { font-size: 13px; font-variant-numeric: tabular-nums; }
.darkroom-actions { display: flex; flex-wrap: wrap; gap: 8px 12px; }

@container (min-width: 720px) {
  .darkroom-split { grid-template-columns: minmax(0, 1fr) 280px; }
  .darkroom-grid { grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); }
  .darkroom-reasons li { grid-template-columns: minmax(8em, 16em) 1fr; gap: 16px; }
}
@container (max-width: 479px) {
  .darkroom-bar .darkroom-actions { width: 100%; gap: 8px; }
  .darkroom-bar .darkroom-button { padding: 0 12px; }
  .darkroom-bar .darkroom-main { flex-basis: 100%; }
  .darkroom-bar .darkroom-actions > * { flex: 1; }
}
@media (prefers-reduced-motion: reduce) {
  .darkroom *, .darkroom ::after { animation: none !important; transition: none !important; }
}
`;
