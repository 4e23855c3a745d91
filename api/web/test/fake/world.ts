import type { Line, StoredLine, Talk, User } from "../../src/state/parley.ts";

/** people are those of make run. */
export const people: readonly User[] = [
  { id: "u1", name: "zhugeliang", displayName: "诸葛亮" },
  { id: "u2", name: "zhangfei", displayName: "张飞" },
  { id: "u3", name: "zhaoyun", displayName: "赵云" },
  { id: "u4", name: "liubei", displayName: "刘备" },
  { id: "u5", name: "sunquan", displayName: "孙权" },
  { id: "u6", name: "caocao", displayName: "曹操" },
  { id: "u7", name: "guest-8f21", displayName: "Ada Lovelace", guest: true },
];

const minute = 60_000;
const day = 24 * 60 * minute;

/** stored makes a line as the server would. */
export function stored(seq: bigint, sender: string, me: string, text: string, more: Partial<StoredLine> = {}): StoredLine {
  return {
    state: "stored",
    key: `s${seq}`,
    seq,
    sender,
    kind: "text",
    text,
    sentAt: Date.now(),
    edited: false,
    recalled: false,
    users: [],
    mine: sender === me,
    ...more,
  };
}

/** Place is a conversation of the made-up server, with all of its lines. */
export interface Place {
  talk: Talk;
  all: Line[];
}

function place(id: string, type: Talk["type"], name: string, all: Line[], more: Partial<Talk> = {}): Place {
  const last = all.findLast((line): line is StoredLine => line.state === "stored");
  const unread = more.unread ?? 0;
  const seq = last?.seq ?? 0n;
  return {
    all,
    talk: {
      id,
      type,
      name,
      members: type === "direct" ? 2 : 0,
      role: "member",
      unread,
      complete: true,
      seq,
      readSeq: seq - BigInt(unread),
      preview: last && {
        seq,
        sender: last.sender,
        kind: last.kind,
        text: last.text.slice(0, 120),
        sentAt: last.sentAt,
        recalled: last.recalled,
      },
      ...more,
    },
  };
}

const letter = [
  "亮躬耕于南阳，苟全性命于乱世，不求闻达于诸侯。",
  "先帝不以臣卑鄙，猥自枉屈，三顾臣于草庐之中。",
  "咨臣以当世之事，由是感激，遂许先帝以驱驰。",
  "OK — and the plan for the supplies? Wooden oxen again?",
  "后值倾覆，受任于败军之际，奉命于危难之间，尔来二十有一年矣。",
  "See https://en.wikipedia.org/wiki/Zhuge_Liang for the whole story.",
];

/** world is what somebody finds who signs in. */
export function world(me: string, talks: number): Place[] {
  const now = Date.now();
  const places: Place[] = [];
  const history: Line[] = Array.from({ length: 400 }, (_, i) =>
    stored(BigInt(i + 1), ["u4", "u2", "u1"][Math.floor(i / 3) % 3] as string, me, letter[i % letter.length] as string, {
      sentAt: now - 3 * day + i * 9 * minute,
    }),
  );
  let seq = 400n;
  const add = (sender: string, text: string, ago: number, more: Partial<StoredLine> = {}) =>
    history.push(stored(++seq, sender, me, text, { sentAt: now - ago * minute, ...more }));
  add("u4", "军师，明日出兵可否？", 42);
  add("u2", "俺早就等不及了！", 41);
  add("u2", "😄👍", 41);
  add("u1", "稍安勿躁。粮草三日后到，东风也要再等等。", 38);
  add("u1", "", 37, { kind: "image", image: { type: "image/png", width: 640, height: 400, bytes: "1000", name: "赤壁.png" } });
  add("u3", "", 30, { recalled: true });
  add("u4", "", 29, { kind: "added", users: ["u3"] });
  add("u4", "<img src=x onerror=alert(1)> \u202Eevil\u202C <b>bold</b>", 8);
  add("u2", "Then we wait. But not long: the wine is nearly gone.", 6);
  places.push(place("c-group", "group", "蜀汉 Shu Han", history, { members: 4, role: "owner", unread: 2 }));
  const direct: Line[] = [
    stored(1n, "u4", me, "孔明，别来无恙？", { sentAt: now - day }),
    stored(2n, "u1", me, "主公安好。", { sentAt: now - day + minute, edited: true }),
    stored(3n, "u1", me, "荆州的地图我画好了，晚些发给你。", { sentAt: now - 70 * minute }),
    stored(4n, "u4", me, "好，我在帐中等你。", { sentAt: now - 65 * minute }),
    stored(5n, "u1", me, "路上。", { sentAt: now - 12 * minute }),
  ];
  places.push(place("c-direct", "direct", "刘备", direct, { peer: "u4" }));
  places.push(
    place("c-lobby", "room", "lobby", [stored(1n, "u7", me, "Hello from the lobby!", { sentAt: now - 2 * minute })], { unread: 1 }),
  );
  places.push(place("c-zhao", "direct", "赵云", [stored(1n, "u3", me, "末将在此。", { sentAt: now - 5 * day })], { peer: "u3" }));
  for (let i = 0; i < talks; i++) {
    places.push(
      place(
        `c-${i}`,
        i % 3 === 0 ? "group" : "direct",
        `Conversation ${i + 1}`,
        [stored(1n, "u2", me, `Message ${i + 1}`, { sentAt: now - i * day })],
        { members: 5, unread: i % 7 === 0 ? i % 120 : 0 },
      ),
    );
  }
  return places;
}
