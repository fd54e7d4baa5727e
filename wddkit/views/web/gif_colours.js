// Colours of an animation (gif.js): the palette that fits its frames, and each pixel's place in it.

const GIF_MOST = 255; // colours; the 256th place is for "as before"
const GIF_SAMPLE = 2 ** 18; // pixels that a palette is made from
const GIF_UNKNOWN = 255; // no colour has this place

/** A frame's colours as whole numbers, blue 16 bits up, green 8, red 0; half-transparent ones lie on white. */
function gifColours(image, width, height) {
  if (image.width !== width || image.height !== height) {
    throw new RangeError(`gif: a frame must be ${width} x ${height} pixels, came ${image.width} x ${image.height}`);
  }
  const { buffer, byteOffset } = image.data;
  const colours = new Uint32Array(buffer, byteOffset, width * height).slice();
  for (let i = 0; i < colours.length; i++) {
    const colour = colours[i];
    const alpha = colour >>> 24;
    if (alpha === 255) colours[i] = colour & 0xffffff;
    else {
      const mixed = (shift) => Math.round((((colour >> shift) & 255) * alpha + 255 * (255 - alpha)) / 255) << shift;
      colours[i] = mixed(0) | mixed(8) | mixed(16);
    }
  }
  return colours;
}

/** Sees all frames, one after the other, and then knows a palette: an array of colours. */
function gifSurvey(count) {
  const seen = new Uint8Array(2 ** 24);
  const few = []; // all colours, as long as a palette holds them
  const sample = new Uint32Array(GIF_SAMPLE);
  const quota = Math.floor(GIF_SAMPLE / count);
  let taken = 0;
  let before = null;
  const meet = (colours) => {
    for (let i = 0; i < colours.length && few.length <= GIF_MOST; i++) {
      if (seen[colours[i]]) continue;
      seen[colours[i]] = 1;
      few.push(colours[i]);
    }
  };
  return {
    add(colours) {
      meet(colours);
      const changed = gifChanged(colours, before, quota);
      sample.set(changed, taken);
      taken += changed.length;
      before = colours;
    },
    palette: () => (few.length <= GIF_MOST ? few : gifPalette(sample.subarray(0, taken))),
  };
}

/** Up to `quota` colours of pixels that changed: what stands still is counted once, or it would hide what moves. */
function gifChanged(colours, before, quota) {
  let changed = 0;
  for (let i = 0; i < colours.length; i++) changed += !before || colours[i] !== before[i];
  const taken = new Uint32Array(Math.min(quota, changed));
  // Every so-many-th changed pixel, as evenly as whole numbers allow.
  for (let i = 0, met = 0, kept = 0; i < colours.length && kept < taken.length; i++) {
    if (before && colours[i] === before[i]) continue;
    if (met++ * taken.length >= kept * changed) taken[kept++] = colours[i];
  }
  return taken;
}

/** 255 colours for a sample: median cut, but the worst box is cut next, across its widest spread and at its mean. */
function gifPalette(sample) {
  sample.sort();
  const colours = [];
  const counts = [];
  for (const colour of sample) {
    if (colours.at(-1) === colour) counts[counts.length - 1]++;
    else {
      colours.push(colour);
      counts.push(1);
    }
  }
  const boxes = [gifBox(colours, counts, 0, colours.length)];
  while (boxes.length < GIF_MOST) {
    const worst = boxes.reduce((most, box, i) => (box.error > boxes[most].error ? i : most), 0);
    const { from, to, shift, mean, error } = boxes[worst];
    if (!(error > 0)) break;
    let middle = from;
    for (let i = from; i < to; i++) {
      if (((colours[i] >> shift) & 255) > mean) continue;
      [colours[i], colours[middle]] = [colours[middle], colours[i]];
      [counts[i], counts[middle]] = [counts[middle], counts[i]];
      middle++;
    }
    boxes.splice(worst, 1, gifBox(colours, counts, from, middle), gifBox(colours, counts, middle, to));
  }
  return [...new Set(boxes.map((box) => box.colour))];
}

/** A box of colours: its squared error, the channel that spreads most and its mean, the colour that stands for it. */
function gifBox(colours, counts, from, to) {
  let [weight, common] = [0, from];
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let i = from; i < to; i++) {
    weight += counts[i];
    if (counts[i] > counts[common]) common = i;
    for (let c = 0; c < 3; c++) {
      const value = (colours[i] >> (8 * c)) & 255;
      sums[c] += counts[i] * value;
      squares[c] += counts[i] * value * value;
    }
  }
  const means = sums.map((sum) => sum / weight);
  const errors = squares.map((square, c) => Math.max(0, square - sums[c] * means[c]));
  const widest = errors.indexOf(Math.max(...errors));
  // White paper stays white: a colour that most of the box has stands for the box.
  const usual = 2 * counts[common] > weight;
  const colour = usual ? colours[common] : means.reduce((all, mean, c) => all | (Math.round(mean) << (8 * c)), 0);
  const error = to - from > 1 ? errors[0] + errors[1] + errors[2] : 0;
  return { from, to, colour, error, shift: 8 * widest, mean: means[widest] };
}

/** A function from a frame's colours to places in the palette: its own colours exactly, others by their cell. */
function gifPlaces(palette) {
  const known = new Uint8Array(2 ** 24).fill(GIF_UNKNOWN);
  palette.forEach((colour, i) => (known[colour] = i));
  const nearest = gifNearest(palette);
  const cells = new Uint8Array(2 ** 18).fill(GIF_UNKNOWN); // of 4 x 4 x 4 colours: noise has millions of them
  const cell = (colour) => {
    const key = ((colour & 0xfc) >> 2) | ((colour & 0xfc00) >> 4) | ((colour & 0xfc0000) >> 6);
    if (cells[key] === GIF_UNKNOWN) cells[key] = nearest((colour & 0xfcfcfc) | 0x020202);
    return cells[key];
  };
  return (colours) => {
    const places = new Uint8Array(colours.length);
    for (let i = 0; i < colours.length; i++) {
      const place = known[colours[i]];
      places[i] = place === GIF_UNKNOWN ? cell(colours[i]) : place;
    }
    return places;
  };
}

/** A function from a colour to the place of the nearest in the palette: it looks at greens nearby before others. */
function gifNearest(palette) {
  const order = [...palette.keys()].sort((i, j) => ((palette[i] >> 8) & 255) - ((palette[j] >> 8) & 255));
  const channel = (shift) => Int16Array.from(order, (i) => (palette[i] >> shift) & 255);
  const [red, green, blue] = [channel(0), channel(8), channel(16)];
  const above = Int16Array.from({ length: 256 }, (_, value) => green.filter((each) => each < value).length);
  return (colour) => {
    const [r, g, b] = [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
    let [least, best] = [Infinity, 0];
    const closer = (i) => {
      const gap = (green[i] - g) ** 2;
      if (gap >= least) return false; // and so are all beyond it
      const all = gap + (red[i] - r) ** 2 + (blue[i] - b) ** 2;
      if (all < least) [least, best] = [all, i];
      return true;
    };
    let [up, down] = [above[g], above[g] - 1];
    while (up < order.length || down >= 0) {
      if (up < order.length) up = closer(up) ? up + 1 : order.length;
      if (down >= 0) down = closer(down) ? down - 1 : -1;
    }
    return order[best];
  };
}
