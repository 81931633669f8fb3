// A page of the console without a script of its own: the keys' help, and nothing left behind after signing out.

import { Keys } from "./keys.js";
import { Session } from "./session.js";

new Keys({}, new Session().memory);
