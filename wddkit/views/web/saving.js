// What is seen, as a file: PNG and SVG of the panels at this moment, GIF of the whole run.

const HEADER = 84; // pixels: title, moment, what marks mean, and room for the panels' own titles
const SHEET = { width: 1400, gap: 20 }; // pixels
const SHOWN = ["features", "images", "film strip", "direction", "curves", "accuracy"];
const MOVING = ["features", "images"];

/** Saves the view as "PNG", "SVG" or "GIF" and tells how far it is. */
async function exportView(kind, act, tell) {
  const ink = { ...inks(act.root), scale: 1 };
  const state = act.state();
  await act.settled();
  const { title, timeline } = act.about();
  const name = `${title}, ${state.phase} step ${state.number}`;
  const parts = sheetOf(act, state, ink, kind === "GIF" ? MOVING : SHOWN);
  const size = sizeOf(parts, ink);
  if (kind === "PNG") return download(fileName(name, "png"), await pngOf(parts, { ...size, ink: ink.text }));
  const titled = { ...size, ink: ink.text, title: name };
  if (kind === "SVG") return download(fileName(name, "svg"), await svgOf(parts, titled));
  const progress = (share) => tell(`GIF: ${Math.round(100 * share)} %`);
  const draw = (ctx, step) => drawMoment(ctx, act, ink, step);
  const blob = await gifOf(draw, timeline.keys(), { ...size, delay: 160, hold: 2000, progress });
  return download(fileName(title, "gif"), blob);
}

async function drawMoment(ctx, act, ink, step) {
  const state = act.state(step);
  const parts = sheetOf(act, state, ink, MOVING);
  const trial = exportSheet(1, 1, 1);
  for (const part of parts) part.draw(trial); // asks for the pictures of a moment that was never on the screen
  await act.settled();
  for (const part of parts) {
    ctx.save();
    ctx.translate(part.x, part.y);
    part.draw(ctx, part.width, part.height);
    ctx.restore();
  }
}

/** The panels on one sheet, features and images side by side, the others below: what to draw, and where. */
function sheetOf(act, state, ink, names) {
  const half = (SHEET.width - 3 * SHEET.gap) / 2;
  const ends = [HEADER, HEADER]; // of the left and the right column
  const parts = act.panels().flatMap(({ export_ }) => {
    if (!export_ || !names.includes(export_.title) || export_.hidden?.()) return [];
    const height = export_.size(half, state);
    const column = export_.column ?? (ends[0] <= ends[1] ? 0 : 1);
    const title = export_.heading ?? export_.title;
    const place = { x: SHEET.gap + column * (half + SHEET.gap), y: ends[column], width: half, height, title };
    ends[column] += height + 2 * SHEET.gap;
    return [{ ...place, draw: (ctx) => export_.paint(plain(ctx), state, ink, half, height) }];
  });
  return [header(act, state, ink), ...parts, footer(state, ink, Math.max(...ends))];
}

/** Over every picture: of which run and moment it is, and what its marks mean. */
function header(act, state, ink) {
  const { title, marks } = act.about();
  const width = SHEET.width - 2 * SHEET.gap;
  const draw = (ctx) => {
    [plain(ctx).fillStyle, ctx.font] = [ink.text, `600 16px ${FONT}`];
    ctx.fillText(fitted(ctx, `${title}: ${state.phase}, step ${state.number}`, width), 0, 14);
    plain(ctx).fillStyle = ink.soft;
    ctx.fillText(fitted(ctx, marks, width), 0, 36);
  };
  return { x: SHEET.gap, y: 4, width, height: 48, title: "", draw };
}

/** What must stand under every picture of a projection, wherever the picture goes. */
function footer(state, ink, y) {
  const draw = (ctx) => {
    plain(ctx).fillStyle = ink.soft;
    const lines = [""];
    for (const word of state.projection.caption.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (ctx.measureText(longer).width > SHEET.width - 2 * SHEET.gap) lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    lines.forEach((line, i) => ctx.fillText(line, 0, 10 + 16 * i));
  };
  return { x: SHEET.gap, y: y - SHEET.gap, width: SHEET.width - 2 * SHEET.gap, height: 48, title: "", draw };
}

function sizeOf(parts, ink) {
  const ends = parts.map(({ y, height }) => y + height);
  return { width: SHEET.width, height: Math.ceil(Math.max(100, ...ends) + SHEET.gap), background: ink.back };
}
