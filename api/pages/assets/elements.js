// Builds nodes. Text goes in as text nodes only; nothing here can turn a string into markup.

/**
 * @param {string} tag for example "p", "p.muted" or "button.primary.small"
 * @param {Object} [properties] attributes; `on…` listeners; `data` for data-*; null, undefined and false are left out
 * @param {...(Node|string|null|undefined|false|Array)} children
 */
export function element(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if ((value ?? false) === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(node.dataset, value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(2).filter((child) => (child ?? false) !== false));
  return node;
}

/** The element with this id, which the page is known to have. */
export function byId(id) {
  return document.getElementById(id);
}

/** Shows an error at a field the way a screen reader hears it too, or takes it away when `message` is empty. */
export function setFieldError(input, message, mark = "Error: ") {
  const field = input.closest(".field");
  const id = `${input.id}-error`;
  const shown = input.getRootNode().getElementById(id);
  field.classList.toggle("wrong", Boolean(message));
  const described = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((part) => part && part !== id);
  if (message) {
    const text = [element("span.unseen", {}, mark), message];
    if (shown) shown.replaceChildren(...text);
    else input.before(element("p.error", { id }, text));
    input.setAttribute("aria-invalid", "true");
    described.unshift(id);
  } else {
    shown?.remove();
    input.removeAttribute("aria-invalid");
  }
  if (described.length) input.setAttribute("aria-describedby", described.join(" "));
  else input.removeAttribute("aria-describedby");
}

/** Lets a text area grow with what is written in it, up to its max-height. */
export function growWithText(area) {
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
  };
  area.addEventListener("input", fit);
  fit();
  return fit;
}
