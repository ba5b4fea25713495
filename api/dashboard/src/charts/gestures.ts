// Pointing at a chart: hovering and touching look at a step, dragging selects a range, the wheel and two fingers zoom.

import { ALL, type Range, shareOf, stepAt, type View, zoomed } from "../curves/range";
import { LEFT, RIGHT } from "./option";

export interface Actions {
  range: () => Range;
  extent: () => Range;
  look: (step: number | null) => void;
  select: (range: Range | null) => void;
  show: (view: View) => void;
}

/** Pixels that a pointer is moved by before it drags. */
const SLACK = 5;
const PER_TURN = 1.002;

/** Listen on `box`, the place of a chart with its axes; returns what ends it. */
export function listen(box: HTMLElement, actions: Actions): () => void {
  const gestures = new Gestures(box, actions);
  const ending = new AbortController();
  const on = <Name extends keyof HTMLElementEventMap>(name: Name, act: (event: HTMLElementEventMap[Name]) => void) =>
    box.addEventListener(name, act, { signal: ending.signal, passive: false });
  on("pointerdown", gestures.down);
  on("pointermove", gestures.move);
  on("pointerup", gestures.up);
  on("pointercancel", gestures.cancel);
  on("pointerleave", gestures.leave);
  on("wheel", gestures.wheel);
  on("dblclick", () => actions.show(ALL));
  window.addEventListener("keydown", gestures.key, { signal: ending.signal });
  return () => {
    ending.abort();
    gestures.cancel();
  };
}

class Gestures {
  private readonly pointers = new Map<number, number>();
  private start: { x: number; step: number } | null = null;
  private drags = false;
  private frame = 0;
  private readonly box: HTMLElement;
  private readonly actions: Actions;

  constructor(box: HTMLElement, actions: Actions) {
    this.box = box;
    this.actions = actions;
  }

  readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.pointers.set(event.pointerId, event.clientX);
    if (event.pointerType !== "mouse") return this.look(event);
    this.box.setPointerCapture(event.pointerId);
    this.start = { x: event.clientX, step: this.stepOf(event.clientX) };
  };

  readonly move = (event: PointerEvent): void => {
    if (this.pointers.size === 2 && this.pointers.has(event.pointerId)) return this.pinch(event);
    if (this.start === null) return this.look(event);
    this.drags ||= Math.abs(event.clientX - this.start.x) > SLACK;
    if (!this.drags) return;
    const step = this.stepOf(event.clientX);
    this.actions.select([Math.min(step, this.start.step), Math.max(step, this.start.step)]);
    this.look(event);
  };

  readonly up = (event: PointerEvent): void => {
    this.pointers.delete(event.pointerId);
    if (this.start && this.drags) {
      const step = this.stepOf(event.clientX);
      this.actions.show(zoomed([this.start.step, step], 1, step, this.actions.extent()));
    }
    this.end();
  };

  readonly cancel = (): void => {
    this.pointers.clear();
    cancelAnimationFrame(this.frame);
    this.end();
  };

  readonly leave = (event: PointerEvent): void => {
    if (event.pointerType !== "mouse") {
      // What was touched last stays looked at: a finger covers what it points to.
      this.pointers.delete(event.pointerId);
      return;
    }
    cancelAnimationFrame(this.frame);
    if (this.start === null) this.actions.look(null);
  };

  /** Only with the key that zooms pages, which a pinch on a pad sends too: else the page scrolls. */
  readonly wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const turned = Math.max(-200, Math.min(200, event.deltaY * (event.deltaMode === 0 ? 1 : 30)));
    this.zoom(PER_TURN ** (turned * (event.ctrlKey && Math.abs(turned) < 20 ? 5 : 1)), event.clientX);
  };

  readonly key = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.start) this.end();
  };

  private pinch(event: PointerEvent): void {
    const before = this.apart();
    this.pointers.set(event.pointerId, event.clientX);
    const [one, other] = [...this.pointers.values()] as [number, number];
    if (before > 0) this.zoom(before / this.apart(), (one + other) / 2);
  }

  private apart(): number {
    const [one, other] = [...this.pointers.values()] as [number, number];
    return Math.max(20, Math.abs(one - other));
  }

  private zoom(factor: number, x: number): void {
    this.actions.show(zoomed(this.actions.range(), factor, this.stepOf(x), this.actions.extent()));
  }

  /** Once for each picture that the screen shows. */
  private look(event: PointerEvent): void {
    const { clientX } = event;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.actions.look(this.stepOf(clientX)));
  }

  private end(): void {
    this.start = null;
    this.drags = false;
    this.actions.select(null);
  }

  private stepOf(x: number): number {
    const { left, width } = this.box.getBoundingClientRect();
    const share = (x - left - LEFT) / Math.max(1, width - LEFT - RIGHT);
    return stepAt(Math.min(1, Math.max(0, share)), this.actions.range());
  }
}

/** Where a step lies in a chart, as the length that style sheets know. */
export const leftOf = (step: number, range: Range): string =>
  `calc(${LEFT}px + (100% - ${LEFT + RIGHT}px) * ${Math.min(1, Math.max(0, shareOf(step, range))).toFixed(5)})`;
