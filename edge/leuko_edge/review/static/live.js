"use strict";
// The running count: asked for twice a second while it is looked at, its picture as soon as the last one has come.
class LiveView {
  constructor(session, hooks) {
    Object.assign(this, { session, hooks, seen: null, again: false });
    this.part("picture").addEventListener("load", () => setTimeout(() => this.picture(), 250));
    this.part("picture").addEventListener("error", () => setTimeout(() => this.picture(), 500)); // none there yet
    setInterval(() => this.ask(), 500);
    this.ask();
  }

  part(name) { return document.getElementById(`live-${name}`); }
  get shown() { return !document.getElementById("live").hidden && !document.hidden; }

  async ask() {
    if (document.hidden || (this.seen && !this.shown && Date.now() - this.asked < 3000)) return;
    this.asked = Date.now();
    const answer = await fetch("/live").catch(() => null);
    const seen = answer && answer.status === 200 && !answer.redirected ? await answer.json() : null;
    this.seen = seen && seen.session === this.session ? seen : null;
    this.known = this.seen || this.known;
    this.hooks.runs(Boolean(this.seen));
    if (this.seen && this.shown) this.draw(this.seen);
  }

  open() {
    this.ask();
    this.picture();
  }

  picture() {
    if (!this.shown || !this.seen) return;
    this.part("picture").src = `/live.jpg?${Date.now()}`;
  }

  draw(seen) {
    this.part("word").textContent = seen.word;
    this.part("hint").textContent = seen.hint;
    this.part("word").parentElement.classList.toggle("counting", seen.counting);
    this.part("goal").textContent = seen.goal;
    this.part("way").hidden = seen.way === null;
    this.part("way").value = seen.way ?? 0;
    this.part("told").textContent = seen.told.join("\n");
    this.part("warning").textContent = seen.warning;
    const words = (label) => label.replaceAll("_", " ");
    const shares = Object.entries(seen.differential.classes).filter(([, share]) => share.count);
    this.list("shares", shares.map(([label, share]) => `${words(label)} ${share.count}${share.percent === null ? "" : ` (${share.percent.toFixed(1)} %)`}`));
    this.part("last").textContent = seen.last.length ? `last: ${seen.last.slice(0, 4).map(([id, label, by]) => `#${id} ${words(label)}${by === "model" ? "" : ` by ${by}`}`).join(", ")}` : "";
    const keys = [...Object.entries(seen.answers), ...seen.keys].filter(([key], n, all) => all.findIndex(([other]) => other === key) === n);
    if (JSON.stringify(keys) === this.keys) return; // not drawn anew under a finger
    this.keys = JSON.stringify(keys);
    this.part("keys").replaceChildren(...keys.map(([key, text]) => {
      const button = document.createElement("button");
      button.dataset.key = key;
      button.append(Object.assign(document.createElement("kbd"), { textContent: key === "esc" ? "Esc" : key }), ` ${text}`);
      button.addEventListener("click", () => this.hooks.press(key));
      return button;
    }));
  }

  list(name, texts) {
    this.part(name).replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }

  // Whether the key is one of the display's; it is pressed there then.
  key(key) {
    const known = { Escape: "esc", " ": " " }[key] ?? key.toLowerCase();
    const theirs = this.known && [...this.known.keys.map(([one]) => one), "y", "esc", ...Object.values(this.hooks.classes), " "];
    if (!theirs || !theirs.includes(known)) return false;
    this.hooks.press(known);
    return true;
  }
}
