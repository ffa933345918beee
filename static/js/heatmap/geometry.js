/**
 * Where racks, nodes and cells lie. Pure: fleet {racks: [{nodes: [{cells}]}]} and a width in, rectangles out.
 *
 * A rack is its name, then one row a node, one cell a GPU. The largest cell that keeps the map under `wanted` pixels
 * of height is taken, from 22 down to 6; a fleet too large for 6 px cells grows downwards.
 */
const LABEL = 16;
const GUTTER = 12;

/** {cell, gap, height, racks: [{x, y, width, index, nodes: [{x, y, width, height, cells: [{x, y}]}]}]} */
export function place(fleet, width, wanted = 300) {
  const across = Math.max(1, ...fleet.racks.flatMap((rack) => rack.nodes.map((node) => node.cells.length)));
  const down = Math.max(1, ...fleet.racks.map((rack) => rack.nodes.length));
  for (let cell = 22; cell >= 6; cell--) {
    const plan = planFor(fleet.racks.length, across, down, cell, width);
    if ((plan.height <= wanted && plan.columns * plan.block <= width) || cell === 6) return fill(fleet, plan);
  }
  return null;
}

function planFor(count, across, down, cell, width) {
  const gap = cell >= 8 ? 2 : 1;
  const block = Math.max(across * (cell + gap) - gap, Math.min(64, width));
  const columns = Math.max(1, Math.min(count || 1, Math.floor((width + GUTTER) / (block + GUTTER))));
  const rackHeight = LABEL + down * (cell + gap) - gap + GUTTER;
  const height = Math.ceil(count / columns) * rackHeight - GUTTER + 4;
  const spread = columns > 1 && count > columns ? (width - columns * block) / (columns - 1) : GUTTER;
  return { cell, gap, block, columns, rackHeight, height, gutter: Math.min(spread, GUTTER * 3) };
}

function fill(fleet, plan) {
  const racks = fleet.racks.map((rack, index) => {
    const x = Math.round((index % plan.columns) * (plan.block + plan.gutter));
    const y = Math.floor(index / plan.columns) * plan.rackHeight;
    return { index, x, y, width: plan.block, nodes: rack.nodes.map((node, row) => placeNode(node, x, y + LABEL + row * (plan.cell + plan.gap), plan)) };
  });
  return { cell: plan.cell, gap: plan.gap, height: Math.max(plan.height, 20), columns: plan.columns, racks };
}

function placeNode(node, x, y, { cell, gap }) {
  const cells = node.cells.map((_, i) => ({ x: x + i * (cell + gap), y }));
  return { x, y, width: Math.max(1, node.cells.length) * (cell + gap) - gap, height: cell, cells };
}

/** {rack, node, cell} under a point, cell null between cells; null outside of all nodes. */
export function find(plan, x, y) {
  const rack = plan.racks.find((place) => x >= place.x && x <= place.x + place.width && y >= place.y && y < place.y + LABEL + place.nodes.length * (plan.cell + plan.gap));
  if (!rack) return null;
  const node = Math.floor((y - rack.y - LABEL) / (plan.cell + plan.gap));
  if (node < 0 || node >= rack.nodes.length) return null;
  const cell = Math.floor((x - rack.x) / (plan.cell + plan.gap));
  return { rack: rack.index, node, cell: cell < rack.nodes[node].cells.length ? cell : null };
}

/** The place one key away: arrows walk nodes in a rack and racks in the map. Stays where there is no further one. */
export function step(plan, { rack, node }, key) {
  if (key === "ArrowLeft") return at(plan, rack - 1, node) ?? { rack, node };
  if (key === "ArrowRight") return at(plan, rack + 1, node) ?? { rack, node };
  if (key === "ArrowDown") return at(plan, rack, node + 1, true) ?? at(plan, rack + plan.columns, 0) ?? { rack, node };
  if (key === "ArrowUp") return at(plan, rack, node - 1, true) ?? at(plan, rack - plan.columns, Infinity) ?? { rack, node };
  return { rack, node };
}

function at(plan, rack, node, exact = false) {
  const found = plan.racks[rack];
  if (!found || !found.nodes.length) return null;
  if (exact && (node < 0 || node >= found.nodes.length)) return null;
  return { rack, node: Math.min(Math.max(node, 0), found.nodes.length - 1) };
}
