/**
 * Beats for parts that poll (hx-trigger="tick-5s from:body"). Silent while the page is hidden; htmx's own filter
 * expressions would need eval, which our Content-Security-Policy refuses.
 */
const PERIODS = [1, 2, 3, 4, 5];

export function startTicker(target = document.body, every = setInterval) {
  let seconds = 0;
  every(() => {
    if (document.hidden) return;
    seconds += 1;
    for (const period of PERIODS) if (seconds % period === 0) target.dispatchEvent(new CustomEvent(`tick-${period}s`));
  }, 1000);
}
