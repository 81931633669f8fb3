// The chat that one script tag embeds. The only name that it gives the site is `csagent`.
//
//   <script src="…/chat.js" defer data-lang="de" data-theme="dark" data-accent="#0b5cad" data-position="left"></script>

import { Frame } from "./frame.js";
import { Talk } from "./talk.js";
import { Title } from "./title.js";
import { speak } from "./words.js";

const script = document.currentScript;

async function start() {
  // A page of ours has a place for the chat; on a site it hovers.
  const page = script.dataset.fills ? document.querySelector(script.dataset.fills) : null;
  const host = new URL(script.src).origin;
  const words = await speak(host, script.dataset.lang, document.documentElement.lang, navigator.language);
  const title = new Title(words);
  const frame = new Frame({
    words, options: script.dataset, page,
    onFresh: () => talk.askToForget(),
    onToggle: (open) => {
      if (!open) return;
      frame.showUnread(0);
      talk.see(talk.live?.cursor);
      talk.log.toEnd();
      talk.composer.fit();
      talk.composer.text.focus();
    },
  });
  const talk = new Talk({
    host, words, body: frame.body,
    onToken: (token) => { frame.fresh.hidden = token === null; },
    onReply: (position) => {
      title.count();
      if (frame.isOpen) talk.see(position);
      else frame.showUnread(frame.unread + 1);
    },
  });
  if (page) {
    talk.composer.fit();
    talk.composer.text.focus({ preventScroll: true });
  }
  return { frame, talk };
}

// A second tag, or a page that runs its scripts again after a change, finds the chat that is there.
function begin() {
  if (globalThis.csagent) return;
  const started = start();
  const value = Object.freeze({
    open: () => started.then(({ frame }) => frame.toggle(true)),
    close: () => started.then(({ frame }) => frame.toggle(false)),
    identify: (who) => started.then(({ talk }) => talk.composer.know(who ?? {})),
  });
  Object.defineProperty(globalThis, "csagent", { value, configurable: true });
}

if (document.body) begin();
else addEventListener("DOMContentLoaded", begin);
