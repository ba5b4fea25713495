// Steps per second, as they are written in lists.

import { count, number } from "../ui/format";

/** 1,234; below ten with a digit behind the point. */
export const speed = (perSecond: number): string =>
  perSecond >= 10 ? count(Math.round(perSecond)) : number(perSecond, 2);
