/**
 * The binary frame of /ws/live/, in one place on this side.
 *
 * byte 0: 0 plain, 1 zlib, 2 raw deflate; then (inflated) uint32 little-endian N, N bytes of JSON header, zero
 * padding until 4 + N is a multiple of 4, then float32 little-endian values [series][column], NaN = missing.
 * Header: {topic, seq, t (unix seconds of the newest column), step, columns, layout, series?: [{id}]}; `series`
 * comes when the layout is new to this connection. Values are in the metric's own unit.
 */

const FORMATS = { 1: "deflate", 2: "deflate-raw" };
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Header and values of a frame. Raises RangeError when lengths do not agree. */
export async function decodeFrame(buffer) {
  const flag = new Uint8Array(buffer, 0, 1)[0];
  if (flag === 0) return parsePayload(buffer.slice(1));
  if (!(flag in FORMATS)) throw new RangeError(`frame flag ${flag}`);
  return parsePayload(await inflate(buffer, FORMATS[flag]));
}

async function inflate(buffer, format) {
  const stream = new Blob([new Uint8Array(buffer, 1)]).stream().pipeThrough(new DecompressionStream(format));
  return new Response(stream).arrayBuffer();
}

/** The inflated part: length, JSON, padding, floats. */
export function parsePayload(payload) {
  const length = new DataView(payload).getUint32(0, true);
  const start = Math.ceil((4 + length) / 4) * 4;
  if (start > payload.byteLength) throw new RangeError("frame shorter than its header");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(payload, 4, length)));
  const values = floatsOf(payload, start);
  if (header.series && values.length !== header.series.length * header.columns) {
    throw new RangeError(`frame holds ${values.length} values, header says ${header.series.length} x ${header.columns}`);
  }
  return { header, values };
}

function floatsOf(payload, start) {
  const count = (payload.byteLength - start) >> 2;
  if (littleEndian) return new Float32Array(payload, start, count);
  const view = new DataView(payload, start);
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 4, true));
}
