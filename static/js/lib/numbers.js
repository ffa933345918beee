/** Figures for people, as dcportal.common.units writes them: missing is –, never 0. */

export const MISSING = "–";
const PREFIXES = ["", "k", "M", "G", "T", "P"];

/** A value with its unit: ("ratio", 0.463) -> "46 %", ("watts", 10740) -> "10.7 kW". */
export function withUnit(value, unit, digits = null) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  const writer = WRITERS[unit];
  if (writer) return writer(value, digits);
  return `${plain(value, digits)}${unit ? ` ${unit.replace("_per_second", "/s")}` : ""}`;
}

const WRITERS = {
  ratio: (value, digits) => `${(value * 100).toFixed(digits ?? 0)} %`,
  bytes: (value) => scaled(value, "B"),
  bytes_per_second: (value) => scaled(value, "B/s"),
  joules_per_second: (value) => scaled(value, "W"),
  seconds_per_second: (value, digits) => `${(value * 100).toFixed(digits ?? 0)} %`,
  watts: (value) => scaled(value, "W"),
  hertz: (value) => scaled(value, "Hz"),
  celsius: (value, digits) => `${value.toFixed(digits ?? 0)} °C`,
  megahertz: (value) => `${value.toFixed(0)} MHz`,
  seconds: (value) => duration(value),
  count: (value) => Math.round(value).toLocaleString("en"),
};

/** Three significant digits with a decimal prefix. */
export function scaled(value, unit) {
  let size = Math.abs(value);
  let index = 0;
  while (size >= 999.5 && index < PREFIXES.length - 1) {
    size /= 1000;
    index += 1;
  }
  const text = size === 0 || size >= 99.95 || (index === 0 && Number.isInteger(size)) ? size.toFixed(0) : size >= 9.995 ? size.toFixed(1) : size.toFixed(2);
  return `${value < 0 ? "−" : ""}${text} ${PREFIXES[index]}${unit}`;
}

/** A bare number: digits where given, else four significant ones; small ones by power. */
export function plain(value, digits = null) {
  if (digits !== null) return value.toFixed(digits);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** Seconds as 0.8 s, 41 min 06 s, 2 h 04 min, 3 d 02 h. */
export function duration(seconds) {
  if (seconds === null || Number.isNaN(seconds)) return MISSING;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor((whole % 86400) / 3600))} h`;
}

/** The smallest round top (1, 2, 2.5, 5 x 10^n) that holds `maximum`. */
export function roundTop(maximum) {
  if (!(maximum > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(maximum));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= maximum * 1.0001) ?? 10;
  return step * power;
}
