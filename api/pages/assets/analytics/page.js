// The figures: the page is made on the server, and says here that it is being made.

import { byId } from "../elements.js";
import { Keys } from "../console/keys.js";
import { Session } from "../console/session.js";

const say = (text) => { byId("told").textContent = text; };

byId("ask").addEventListener("submit", () => say("Looking …"));
// Back on this page by the browser's own button nothing is being made.
addEventListener("pageshow", () => say(""));

new Keys({}, new Session().memory);
