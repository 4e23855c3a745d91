import { signal } from "@preact/signals";
import { language, words } from "../words/index.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** tick changes every half a minute, so that what says "5 minutes ago" goes on. */
export const tick = signal(Date.now());
setInterval(() => {
  tick.value = Date.now();
}, minute / 2);

const formats = new Map<string, Intl.DateTimeFormat>();

// Making a format is slow enough to be seen in a list.
function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language.value + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(language.value, options);
    formats.set(key, made);
  }
  return made;
}

const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

/** daysBetween is how many midnights lie between two moments. */
export const daysBetween = (from: number, to: number): number => Math.round((midnight(to) - midnight(from)) / day);

/** sameDay says that two moments are of one day here. */
export const sameDay = (a: number, b: number): boolean => midnight(a) === midnight(b);

/** timeOf is the time of day. */
export const timeOf = (at: number): string => format({ hour: "numeric", minute: "2-digit" }).format(at);

/** fullTime is the whole moment, for titles. */
export const fullTime = (at: number): string => format({ dateStyle: "long", timeStyle: "short" }).format(at);

/** agoOf is when, as briefly as a list says it. A moment to come, by a clock that is slow, is now. */
export function agoOf(at: number, now = tick.value): string {
  const passed = now - at;
  if (passed < minute) return words.value.justNow;
  if (passed < hour) {
    return new Intl.RelativeTimeFormat(language.value, { style: "narrow" }).format(-Math.floor(passed / minute), "minute");
  }
  const days = daysBetween(at, now);
  if (days === 0) return timeOf(at);
  if (days === 1) return words.value.yesterday;
  if (days < 7) return format({ weekday: "short" }).format(at);
  if (new Date(at).getFullYear() === new Date(now).getFullYear()) return format({ month: "short", day: "numeric" }).format(at);
  return format({ dateStyle: "medium" }).format(at);
}

/** dayOf names a day, for the line between two of them. */
export function dayOf(at: number, now = tick.value): string {
  const days = daysBetween(at, now);
  if (days <= 0) return words.value.today;
  if (days === 1) return words.value.yesterday;
  if (days < 7) return format({ weekday: "long" }).format(at);
  return format({ dateStyle: "long" }).format(at);
}
