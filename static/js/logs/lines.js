/**
 * Lines of a job's log, from the text of byte windows. Pure.
 *
 * On disk a line is `<UTC time> <source>[+] <text>`: source is a rank, "-" the launcher, "=" the runner; "+" says the
 * text goes on in that source's next line. Anything else is kept whole as a line without source.
 */
const FORM = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\d{1,5}|-|=)(\+?) ?/;
const ESCAPES = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
const ERROR = /\b(ERROR|CRITICAL|FATAL|Traceback \(most recent call last\))/;
const WARNING = /\b(WARN|WARNING)\b/;

/** Lines of a window's text: {seconds, source, text, plain, level, open}. */
export function parseLines(text) {
  const raw = text.split("\n");
  if (raw.at(-1) === "") raw.pop();
  return raw.map(parseLine);
}

function parseLine(raw) {
  const found = FORM.exec(raw);
  if (!found) return finish({ seconds: null, source: "", open: false }, raw);
  return finish({ seconds: Date.parse(found[1]) / 1000, source: found[2], open: found[3] === "+" }, raw.slice(found[0].length));
}

/** A progress bar rewrites its line by carriage returns: only what stands at the end is shown. */
function finish(line, text) {
  const shown = text.replace(/\r+$/, "").split("\r").at(-1);
  const plain = shown.replace(ESCAPES, "");
  return { ...line, text: shown, plain, level: ERROR.test(plain) ? "ERROR" : WARNING.test(plain) ? "WARNING" : "" };
}

/** Append lines to `lines`, joining texts that go on; at most `keep` stay, the oldest go. Returns how many went. */
export function append(lines, fresh, keep = 100_000) {
  for (const line of fresh) {
    const before = line.source ? lastOpen(lines, line.source) : null;
    if (before) Object.assign(before, finish({ ...before, open: line.open }, before.text + line.text));
    else lines.push(line);
  }
  const surplus = Math.max(0, lines.length - keep);
  lines.splice(0, surplus);
  return surplus;
}

function lastOpen(lines, source) {
  for (let i = lines.length - 1; i >= Math.max(0, lines.length - 64); i--) {
    if (lines[i].source === source) return lines[i].open ? lines[i] : null;
  }
  return null;
}

/** Indexes of the lines to show: ranks in `hidden` are left out, launcher and runner always shown. */
export function visible(lines, hidden) {
  const shown = [];
  for (let i = 0; i < lines.length; i++) if (!hidden.has(lines[i].source)) shown.push(i);
  return shown;
}

/** Positions within `shown` whose text holds the words, ignoring case. */
export function search(lines, shown, words) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return [];
  const hits = [];
  shown.forEach((index, position) => lines[index].plain.toLowerCase().includes(wanted) && hits.push(position));
  return hits;
}
