// GIF: an animation from pictures, with one palette (gif_colours.js) and only the changes of each frame. It is made in
// slices, so that the page stays awake.

/**
 * The bytes of an animation that runs for ever. A frame is an ImageData, or a function that returns one (or a promise
 * of one): it is called twice, for the palette and for the pixels, so that not all frames need room at once.
 * Up to 255 colours are kept as they are; more are drawn with the 255 that fit best. What is transparent turns white.
 * `delay` and, for the last frame, `hold` are milliseconds; `progress` hears of the share done; `signal` (of an
 * AbortController) ends it, and the promise is rejected with the signal's reason.
 */
async function gif(frames, { width, height, delay = 160, hold = delay, progress = () => {}, signal = null }) {
  gifCheck(frames, width, height, [delay, hold]);
  const frame = async (i) => gifColours(typeof frames[i] === "function" ? await frames[i]() : frames[i], width, height);
  const rest = async (share) => {
    progress(share);
    await gifPause();
    signal?.throwIfAborted();
  };
  const survey = gifSurvey(frames.length);
  for (let i = 0; i < frames.length; i++) {
    survey.add(await frame(i));
    await rest((0.4 * (i + 1)) / frames.length);
  }
  const palette = survey.palette();
  const place = gifPlaces(palette);
  const packer = gifPacker(width * height, gifBits(palette.length + 1));
  const parts = [gifHead(width, height, palette)];
  const screen = { width, height, same: palette.length };
  let before = null;
  for (let i = 0; i < frames.length; i++) {
    const now = place(await frame(i));
    const { box, pixels } = gifChanges(now, before, screen);
    parts.push(gifControl(box, screen.same, i + 1 < frames.length ? delay : hold), ...packer(pixels));
    before = now;
    await rest(0.4 + (0.6 * (i + 1)) / frames.length);
  }
  return gifJoined([...parts, [0x3b]]);
}

function gifCheck(frames, width, height, times) {
  if (!frames.length) throw new RangeError("gif: an animation needs one frame or more, came none");
  if (![width, height].every((size) => Number.isInteger(size) && size > 0 && size < 65536)) {
    throw new RangeError(`gif: width and height must be whole numbers from 1 to 65535, came ${width} and ${height}`);
  }
  if (!times.every((time) => time >= 20 && time < 655360)) {
    // Browsers take a frame shorter than that for an accident, and show it for a tenth of a second.
    throw new RangeError(`gif: delay and hold must be from 20 to 655359 milliseconds, came ${times.join(" and ")}`);
  }
}

/** Lets the page draw and listen. A message, because timers sleep in a page that nobody looks at. */
function gifPause() {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (port1.close(), done());
    port2.postMessage(0);
  });
}

function gifJoined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const gifBits = (count) => Math.max(2, Math.ceil(Math.log2(count)));
const gifWord = (value) => [value & 255, value >> 8];
const gifLetters = (text) => [...text].map((letter) => letter.charCodeAt(0));

function gifHead(width, height, palette) {
  const bits = gifBits(palette.length + 1);
  const table = new Uint8Array(3 * 2 ** bits);
  palette.forEach((colour, i) => table.set([colour & 255, (colour >> 8) & 255, colour >> 16], 3 * i));
  const screen = [...gifLetters("GIF89a"), ...gifWord(width), ...gifWord(height), 0xf0 | (bits - 1), 0, 0];
  const forEver = [0x21, 0xff, 11, ...gifLetters("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  return [...screen, ...table, ...forEver];
}

/** What changed: the smallest rectangle around it (one pixel where nothing did), with `same` where it did not. */
function gifChanges(now, before, { width, height, same }) {
  const box = before ? gifAround(now, before, width, height) : [0, 0, width, height];
  const [x, y, w, h] = box;
  const pixels = new Uint8Array(w * h);
  for (let row = 0, i = 0; row < h; row++) {
    for (let at = (y + row) * width + x, end = at + w; at < end; at++) {
      pixels[i++] = before && before[at] === now[at] ? same : now[at];
    }
  }
  return { box, pixels };
}

function gifAround(now, before, width, height) {
  let [left, right, top, bottom] = [width, -1, -1, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (now[at] === before[at]) continue;
      if (top < 0) top = y;
      bottom = y;
      if (x < left) left = x;
      if (x > right) right = x;
    }
  }
  return right < 0 ? [0, 0, 1, 1] : [left, top, right - left + 1, bottom - top + 1];
}

/** What stands before a frame's pixels: its time and rectangle; it is drawn over what was there. */
function gifControl(box, same, delay) {
  const control = [0x21, 0xf9, 4, 0b101, ...gifWord(Math.round(delay / 10)), same, 0];
  return [...control, 0x2c, ...box.flatMap(gifWord), 0];
}

/** A function that packs pixels as GIF wants them: LZW codes of growing length, in blocks of up to 255 bytes. */
function gifPacker(most, bits) {
  const [clear, end] = [1 << bits, (1 << bits) + 1];
  const longer = new Uint16Array(4096 * 256); // the code of a code and one pixel more; 0: none
  const used = [];
  const codes = new Uint8Array(Math.ceil(most * 1.6) + 64); // 12 bits a pixel at worst, and what says "begin again"
  let [at, held, count, size, next] = [0, 0, 0, 0, 0];
  const emit = (code) => {
    held |= code << count;
    for (count += size; count >= 8; count -= 8, held >>>= 8) codes[at++] = held & 255;
  };
  const begin = () => {
    for (const key of used) longer[key] = 0;
    used.length = 0;
    [size, next] = [bits + 1, end + 1];
  };
  return (pixels) => {
    [at, held, count] = [0, 0, 0];
    begin();
    emit(clear);
    let code = pixels[0];
    for (let i = 1; i < pixels.length; i++) {
      const key = (code << 8) | pixels[i];
      if (longer[key]) {
        code = longer[key];
        continue;
      }
      emit(code);
      if (next === 4096) {
        emit(clear);
        begin();
      } else {
        if (next >= 1 << size) size++;
        longer[key] = next++;
        used.push(key);
      }
      code = pixels[i];
    }
    emit(code);
    if (next >= 1 << size && size < 12) size++; // a reader has just met one code more
    emit(end);
    if (count) codes[at++] = held & 255;
    return gifBlocks(codes.subarray(0, at), bits);
  };
}

function gifBlocks(codes, bits) {
  const blocks = [[bits]];
  for (let from = 0; from < codes.length; from += 255) {
    const block = codes.slice(from, from + 255);
    blocks.push([block.length], block);
  }
  return [...blocks, [0]];
}
