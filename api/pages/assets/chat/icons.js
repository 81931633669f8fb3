// The few drawings, built node by node: 24 × 24, drawn with a line in the colour of the text around it.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  chat: "M5 4h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM8 9h8M8 12.500h5",
  down: "M6 9.500l6 6 6-6",
  close: "M6 6l12 12M18 6L6 18",
  fresh: "M20 12v6a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2h6M9.5 14.500l1-3.5 8-8 2.5 2.5-8 8z",
  send: "M12 19V5M6 11l6-6 6 6",
  clip: "M20 11.500l-8.2 8.200a5 5 0 0 1-7.1-7.100l8.5-8.500a3.3 3.3 0 0 1 4.7 4.700l-8.5 8.500a1.7 1.7 0 0 1-2.4-2.400l7.8-7.8",
  file: "M7 3h7l5 5v12a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM14 3v5h5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.500a7.5 7.5 0 0 1 15 0",
  back: "M14.5 6l-6 6 6 6",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon i-${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
