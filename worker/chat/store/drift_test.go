package store_test

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/chat/store/storetest"
)

func TestMigrationsMakeWhatTheModelsSay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		drift, err := s.Drift()
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range drift {
			t.Error(what)
		}
		// The test sees what it is for.
		for _, change := range []string{
			"ALTER TABLE users ADD COLUMN extra bigint",
			"DROP INDEX families_user" + map[bool]string{true: " ON families"}[d.Name == "mysql"],
			"CREATE INDEX more ON members (user_id)",
			"CREATE TABLE foreigners (id bigint)",
		} {
			if _, err := s.Driver().ExecContext(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
		if drift, err = s.Drift(); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(drift, "\n")
		for _, want := range []string{"column extra", "families_user", "index more", "table foreigners"} {
			if !strings.Contains(said, want) {
				t.Errorf("nothing was said of %q:\n%s", want, said)
			}
		}
	})
}
