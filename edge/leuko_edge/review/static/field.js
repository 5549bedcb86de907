"use strict";
// A photograph, or the map of a live count's area, with its cells outlined: an SVG in the picture's own pixels.
const SVG = "http://www.w3.org/2000/svg";

class FieldView {
  constructor(session, view, hooks) {
    Object.assign(this, { session, view, hooks, zoom: 0, area: null, adding: false, cross: null });
    view.addEventListener("click", (event) => this.click(event));
    view.addEventListener("keydown", (event) => this.key(event));
  }

  async show(state, area) {
    const picture = state.pictures.find((one) => one.number === area);
    const cells = state.cells.filter((cell) => cell.area === area && !cell.removed);
    const answer = await fetch(`/sessions/${this.session}/outlines/${area}`);
    if (!answer.ok) return;
    const outlines = await answer.json();
    const box = this.box(picture, cells, state.window || 100);
    if (area !== this.area || !this.zoom) this.zoom = Math.max(0.05, (this.view.clientWidth - 20) / box[2]);
    this.area = area;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", box.join(" "));
    this.svg = svg;
    this.size = box;
    if (picture && !picture.refused) {
      this.part("image", { href: `/sessions/${this.session}/pictures/${area}.jpg`, x: 0, y: 0, width: picture.width, height: picture.height, preserveAspectRatio: "none" });
    } else {
      const side = state.window || 100;
      for (const cell of cells) {
        this.part("image", { href: `/sessions/${this.session}/cells/${cell.id}.png?v=${cell.views}`, x: cell.x - side / 2, y: cell.y - side / 2, width: side, height: side });
      }
    }
    for (const cell of cells) {
      const points = (outlines[cell.id] || []).map((point) => point.join(",")).join(" ");
      const shape = this.part("polygon", { points, class: `outline c-${cell.label}`, "data-cell": cell.id });
      if (this.hooks.selected().has(cell.id)) shape.classList.add("selected");
      const title = document.createElementNS(SVG, "title");
      title.textContent = `cell ${cell.id}: ${cell.label.replaceAll("_", " ")}`;
      shape.append(title);
      const name = this.part("text", { x: cell.x, y: Math.min(...(outlines[cell.id] || [[0, cell.y]]).map((p) => p[1])) - 4, class: `name c-${cell.label}`, "font-size": box[2] / 60 });
      name.textContent = cell.label.replaceAll("_", " ");
    }
    this.view.replaceChildren(svg);
    this.resize();
  }

  box(picture, cells, side) {
    if (picture && picture.width) return [0, 0, picture.width, picture.height];
    if (!cells.length) return [0, 0, 100, 100];
    const xs = cells.map((cell) => cell.x), ys = cells.map((cell) => cell.y);
    const left = Math.min(...xs) - side, top = Math.min(...ys) - side;
    return [left, top, Math.max(...xs) + side - left, Math.max(...ys) + side - top];
  }

  part(name, attributes) {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    this.svg.append(part);
    return part;
  }

  resize(factor = 1) {
    if (!this.svg) return;
    this.zoom = Math.min(8, Math.max(0.02, this.zoom * factor));
    this.svg.style.width = `${this.size[2] * this.zoom}px`;
    this.svg.style.height = `${this.size[3] * this.zoom}px`;
  }

  centre(cell) {
    this.view.scrollTo((cell.x - this.size[0]) * this.zoom - this.view.clientWidth / 2, (cell.y - this.size[1]) * this.zoom - this.view.clientHeight / 2);
  }

  click(event) {
    const at = this.svg && this.place(event);
    const shape = event.target.closest("[data-cell]");
    if (this.adding && at) this.hooks.add(this.area, at.x, at.y);
    else if (shape) this.hooks.select(Number(shape.dataset.cell), event);
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    return { x: (event.clientX - box.left) / this.zoom + this.size[0], y: (event.clientY - box.top) / this.zoom + this.size[1] };
  }

  setAdding(adding) {
    this.adding = adding;
    this.view.classList.toggle("adding", adding);
    if (this.cross) this.cross.remove();
    this.cross = null;
    if (adding && this.svg) {
      const x = this.size[0] + (this.view.scrollLeft + this.view.clientWidth / 2) / this.zoom;
      const y = this.size[1] + (this.view.scrollTop + this.view.clientHeight / 2) / this.zoom;
      this.cross = this.part("circle", { cx: Math.min(x, this.size[0] + this.size[2] / 2), cy: Math.min(y, this.size[1] + this.size[3] / 2), r: 12 / this.zoom, class: "cross" });
      this.view.focus();
    }
  }

  key(event) {
    if (!this.adding || !this.cross) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const x = Number(this.cross.getAttribute("cx")), y = Number(this.cross.getAttribute("cy"));
    if (steps[event.key]) {
      const step = (event.shiftKey ? 4 : 16) / this.zoom;
      this.cross.setAttribute("cx", x + steps[event.key][0] * step);
      this.cross.setAttribute("cy", y + steps[event.key][1] * step);
    } else if (event.key === "Enter") {
      this.hooks.add(this.area, x, y);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
