/** The viridis scale as 256 colours, from nine published anchors mixed in between. */

const ANCHORS = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"].map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

const TABLE = Array.from({ length: 256 }, (_, step) => mix(step / 255));

function mix(ratio) {
  const place = ratio * (ANCHORS.length - 1);
  const low = Math.min(Math.floor(place), ANCHORS.length - 2);
  const part = place - low;
  return `rgb(${ANCHORS[low].map((value, i) => Math.round(value + (ANCHORS[low + 1][i] - value) * part)).join(",")})`;
}

/** Step 0-255 of a value between low and high, clamped. */
export function stepOf(value, low, high) {
  return Math.round(Math.min(1, Math.max(0, (value - low) / (high - low || 1))) * 255);
}

export function colourOf(step) {
  return TABLE[step];
}
