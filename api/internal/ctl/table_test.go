package ctl

import (
	"strings"
	"testing"
)

func TestColumnsStandBelowOneAnother(t *testing.T) {
	var b strings.Builder
	tb := newTable(0, column{title: "USER"}, column{title: "CONNS", right: true}, column{title: "PATH"})
	write := func(rows ...[]string) {
		if err := tb.write(&b, rows); err != nil {
			t.Fatal(err)
		}
	}
	write([]string{"zhangfei", "12", "/ws"}, []string{"张飞", "1,204", "/"})
	write([]string{"u", "3", "/ws/chat/G/"}) // a later page: as wide as what came
	want := "" +
		"USER      CONNS  PATH\n" +
		"zhangfei     12  /ws\n" +
		"张飞      1,204  /\n" +
		"u             3  /ws/chat/G/\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestALineFitsIntoTheTerminal(t *testing.T) {
	var b strings.Builder
	tb := newTable(30, column{title: "ID"}, column{title: "USER", least: 6}, column{title: "PATH", least: 6})
	err := tb.write(&b, [][]string{{"AAAAAAAAAA", "somebody with a long name", "/ws"}, {"B", "张飞张飞张飞张飞", "/a/path/that/is/long"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "" +
		"ID          USER      PATH\n" +
		"AAAAAAAAAA  somebod…  /ws\n" +
		"B           张飞张…   /a/path…\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
