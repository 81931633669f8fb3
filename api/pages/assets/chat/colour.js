// The site's accent colour, made readable: what is written on it, and its shade that can be written on our own ground.

const READABLE = 4.5;
const INK = { light: [26, 31, 36], dark: [230, 233, 236] };
/** The ground of a bubble, where accent-coloured text has to be readable too. */
const GROUND = { light: [238, 241, 244], dark: [38, 44, 50] };

/** The colours as CSS properties, or nothing where the text is no colour like #0b5cad. */
export function accentColours(text, theme) {
  const accent = colourOf(text);
  if (accent === null) return {};
  const on = contrast(accent, [255, 255, 255]) >= READABLE ? [255, 255, 255] : readable([16, 20, 24], accent, [0, 0, 0]);
  return {
    "--accent": css(accent),
    "--on-accent": css(on),
    "--accent-text": css(readable(accent, GROUND[theme], INK[theme])),
  };
}

function colourOf(text) {
  const digits = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text?.trim());
  return digits ? digits.slice(1).map((pair) => parseInt(pair, 16)) : null;
}

/** The colour, as much nearer to `towards` as it takes to be read on `ground`. */
function readable(colour, ground, towards) {
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = mix(colour, towards, part);
    if (contrast(mixed, ground) >= READABLE) return mixed;
  }
  return towards;
}

function mix(from, to, part) {
  return from.map((value, index) => Math.round(value + (to[index] - value) * part));
}

/** The contrast of two colours as WCAG reckons it. */
function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}
