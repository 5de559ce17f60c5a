// Holding the strip while a pointer rests on it, and marking what is not known of it.
const RESTS = 30; // seconds without a movement, after which time goes on: a pointer may be left there for the night

/**
 * Where stretches begin and end of which nothing is known, programme times, of one input.
 * @param {{from: number, to: number, words: string}[]} unknown stretches of the clock
 * @param {number} lag of the axis
 * @param {{start: number}[]} pieces of the input that are known all the same: from the first on nothing is unknown
 */
export function zones(unknown, lag, pieces) {
  return unknown.map(({ from, to, words }) => {
    const start = from - lag;
    const known = pieces.map((one) => one.start).filter((one) => one >= start && one < to - lag);
    return { start, end: Math.min(to - lag, ...known), words };
  }).filter((one) => one.end > one.start);
}

/** What is pointed at stays below the pointer. */
export class Resting {
  /**
   * @param {Element} place
   * @param {function(): number} time that is shown at the cursor now
   * @param {function(boolean)} told whether it is held
   */
  constructor(place, time, told) {
    this.at = null; // the time it is held at; null: it moves
    this.time = time;
    this.told = told;
    place.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") this.hold(); });
    place.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") this.hold(); });
    place.addEventListener("pointerleave", () => this.release());
  }

  hold() {
    if (this.at === null) { this.at = this.time(); this.told(true); }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.release(), RESTS * 1000);
  }

  release() {
    clearTimeout(this.timer);
    if (this.at === null) return;
    this.at = null;
    this.told(false);
  }
}
