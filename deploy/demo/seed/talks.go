package seed

import "github.com/parley-im/parley/worker/chat"

// talk is a conversation of the demo.
type talk struct {
	key     string // of its request ids
	kind    chat.Type
	name    string   // of a group chat or room
	members []string // the first one makes it
	lines   []line
	news    bool // the last line is unread by all but who wrote it
}

type line struct{ who, text string }

// talks are all of them. The last line of one that is news is the only one that its
// readers have not read, and each account has one such.
var talks = []talk{
	{
		key: "lobby", kind: chat.Room, name: chat.Lobby,
		members: []string{"liubei", "zhugeliang", "zhangfei", "zhaoyun", "sunquan", "caocao"},
		lines: []line{
			{"liubei", "欢迎来到 Parley！这里是大厅，人人都在。"},
			{"sunquan", "Welcome to Parley. This is the lobby: everybody is in it."},
			{"zhangfei", "写信给俺和军师，俺们都会回！ Write to zhugeliang or to me: we answer."},
		},
	},
	{
		key: "zhangfei-zhaoyun", kind: chat.Direct,
		members: []string{"zhaoyun", "zhangfei"},
		lines: []line{
			{"zhangfei", "子龙，来喝一碗！"},
			{"zhaoyun", "今夜当值，改日。"},
			{"zhangfei", "那俺替你喝了。"},
		},
	},
	{
		key: "sunquan-caocao", kind: chat.Direct,
		members: []string{"caocao", "sunquan"},
		lines: []line{
			{"caocao", "今治水军八十万众，方与将军会猎于吴。"},
			{"sunquan", "春水方生，公宜速去。"},
		},
	},
	{
		key: "chibi", kind: chat.Group, name: "赤壁", news: true,
		members: []string{"sunquan", "caocao", "zhugeliang"},
		lines: []line{
			{"sunquan", "三家都在，有话当面说。"},
			{"caocao", "江上风平浪静，铁索连舟，甚稳。"},
			{"zhugeliang", "稳就好。不过天有不测风云。"},
			{"caocao", "隆冬哪来的东风？"},
			{"zhugeliang", "东风，已至。"},
		},
	},
	{
		key: "liubei-zhugeliang", kind: chat.Direct, news: true,
		members: []string{"liubei", "zhugeliang"},
		lines: []line{
			{"liubei", "先生，刘备第三次来访了。"},
			{"zhugeliang", "将军远来，亮午睡方醒，失礼。"},
			{"liubei", "敢问天下大计？"},
			{"zhugeliang", "先取荆州，后取益州，则霸业可成。"},
		},
	},
	{
		key: "taoyuan", kind: chat.Group, name: "桃园", news: true,
		members: []string{"liubei", "zhangfei", "zhaoyun", "zhugeliang"},
		lines: []line{
			{"zhangfei", "大哥！桃花又开了！"},
			{"zhaoyun", "末将在，随时听令。"},
			{"zhugeliang", "诸位少饮，明日还有正事。"},
			{"liubei", "今晚营中议事，莫要迟到。"},
		},
	},
}
