// Icons are paths on a 24 grid, drawn with the colour of the text around them.
const paths = {
  plus: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18.5 14.3A6.5 6.5 0 0 1 21.5 20",
  send: "M4 12l16-7.5-5.5 16-3.3-6.7L4 12zM11.2 13.8L20 4.5",
  image:
    "M5 4.5h14a1.5 1.5 0 0 1 1.5 1.5v12a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 18V6A1.5 1.5 0 0 1 5 4.5zM8.5 10.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM4 18l5-5 3.5 3.5L16 12l4.5 5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  down: "M12 5v13M6 12.5l6 6 6-6",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
  clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5L7 17l9-9.5M12 16l1 1 9-9.5",
  alert: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 8v4.5M12 15.8h.01",
  edit: "M4.5 19.5l1-4L16 5l3 3L8.5 18.5l-4 1z",
  hash: "M9.5 4.5l-2 15M16.5 4.5l-2 15M4.5 9h15.5M4 15h15.5",
} as const;

/** Icon is one of them; it says nothing to screen readers, its button does. */
export function Icon({ of }: { of: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[of]} />
    </svg>
  );
}

/** Logo is the mark of the page. */
export function Logo({ size = 32 }: { size?: number }) {
  return <img src="/favicon.svg" width={size} height={size} alt="" />;
}
