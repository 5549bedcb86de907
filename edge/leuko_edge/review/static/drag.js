"use strict";
// Dragging cells onto a class and holding one, by pointer events: the browser's own dragging knows no touch and no test
// can drive it.
const Drag = {
  start: null,
  ghost: null,
  moved: false,
  held: false,
  HOLD: 600, // ms

  // `drop(label)` is called with the class that the pointer was let go over, `hold()` where it stayed where it was.
  begin(event, image, { drop, hold }) {
    if (event.button !== 0) return;
    this.start = { x: event.clientX, y: event.clientY, image, drop, id: event.pointerId, touch: event.pointerType === "touch" };
    this.moved = this.held = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.start || this.moved) return;
      this.start = null;
      this.held = true; // the click that follows is none
      hold();
    }, this.HOLD);
  },

  move(event) {
    const start = this.start;
    if (!start || event.pointerId !== start.id) return;
    if (!this.moved && Math.hypot(event.clientX - start.x, event.clientY - start.y) < 8) return;
    if (start.touch) { // a finger scrolls; it taps a class instead
      this.moved = true;
      return;
    }
    if (!this.moved) {
      this.moved = true;
      this.ghost = start.image.cloneNode();
      this.ghost.className = "ghost";
      document.body.append(this.ghost);
    }
    this.ghost.style.left = `${event.clientX + 6}px`;
    this.ghost.style.top = `${event.clientY + 6}px`;
    const over = this.target(event);
    document.querySelectorAll(".over").forEach((one) => one !== over && one.classList.remove("over"));
    if (over) over.classList.add("over");
  },

  end(event) {
    const start = this.start;
    this.start = null;
    clearTimeout(this.timer);
    if (this.ghost) this.ghost.remove();
    this.ghost = null;
    document.querySelectorAll(".over").forEach((one) => one.classList.remove("over"));
    if (!start || !this.moved || start.touch) return;
    const over = event.type === "pointerup" && this.target(event);
    if (over) start.drop(over.dataset.class);
  },

  target(event) {
    const at = document.elementFromPoint(event.clientX, event.clientY);
    return at && at.closest("[data-class]");
  },
};
document.addEventListener("pointermove", (event) => Drag.move(event));
document.addEventListener("pointerup", (event) => Drag.end(event));
document.addEventListener("pointercancel", (event) => Drag.end(event));
