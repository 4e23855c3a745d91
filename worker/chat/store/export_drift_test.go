package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// Drift tells in what the tables that the migrations made differ from the models:
// what gorm would do about it, and the columns and indexes that it has no eye for.
func (s *Store) Drift() (found []string, err error) {
	g, err := s.gorm(s.write)
	if err != nil {
		return nil, err
	}
	// What AutoMigrate executes goes through here; what it asks, by rows.
	err = g.Callback().Raw().Before("gorm:raw").Register("drift", func(db *gorm.DB) {
		if sql := strings.TrimSpace(db.Statement.SQL.String()); !strings.HasPrefix(strings.ToUpper(sql), "SELECT") {
			found = append(found, sql)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := g.AutoMigrate(tables()...); err != nil {
		return nil, err
	}
	var known sync.Map
	for _, model := range tables() {
		want, err := schema.Parse(model, &known, g.NamingStrategy)
		if err != nil {
			return nil, err
		}
		if err := s.columnDrift(g, want, model, &found); err != nil {
			return nil, err
		}
		if err := s.indexDrift(g, want, model, &found); err != nil {
			return nil, err
		}
	}
	names, err := g.Migrator().GetTables()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name != migrationTable && !strings.HasPrefix(name, "sqlite_") && !slices.ContainsFunc(tables(), func(m any) bool { return m.(schema.Tabler).TableName() == name }) {
			found = append(found, "no model has the table "+name)
		}
	}
	return found, nil
}

func (s *Store) columnDrift(g *gorm.DB, want *schema.Schema, model any, found *[]string) error {
	columns, err := g.Migrator().ColumnTypes(model)
	if err != nil {
		return err
	}
	for _, c := range columns {
		field := want.FieldsByDBName[c.Name()]
		if field == nil {
			*found = append(*found, fmt.Sprintf("%s: no model has the column %s", want.Table, c.Name()))
			continue
		}
		if nullable, ok := c.Nullable(); ok && nullable == (field.NotNull || field.PrimaryKey) {
			*found = append(*found, fmt.Sprintf("%s.%s: null %v", want.Table, c.Name(), nullable))
		}
		if value, has := c.DefaultValue(); has && value != "" {
			*found = append(*found, fmt.Sprintf("%s.%s: has the default %q", want.Table, c.Name(), value))
		}
	}
	if len(columns) != len(want.DBNames) {
		*found = append(*found, fmt.Sprintf("%s: %d columns, the model has %d", want.Table, len(columns), len(want.DBNames)))
	}
	return nil
}

func (s *Store) indexDrift(g *gorm.DB, want *schema.Schema, model any, found *[]string) error {
	indexes, err := g.Migrator().GetIndexes(model)
	if err != nil {
		return err
	}
	have := make(map[string]string)
	for _, i := range indexes {
		columns := i.Columns()
		if s.dialect.name() == "postgres" { // gorm lists them in the order of the table
			var said string
			if err := g.Raw("SELECT indexdef FROM pg_indexes WHERE indexname = ?", i.Name()).Scan(&said).Error; err != nil {
				return err
			}
			_, said, _ = strings.Cut(said, "(")
			columns = strings.Split(strings.TrimSuffix(said, ")"), ", ")
		}
		unique, _ := i.Unique()
		if primary, _ := i.PrimaryKey(); !primary && !strings.HasPrefix(i.Name(), "sqlite_autoindex") {
			have[i.Name()] = fmt.Sprint(unique, columns)
		}
	}
	for _, i := range want.ParseIndexes() {
		columns := make([]string, len(i.Fields))
		for k, f := range i.Fields {
			columns[k] = f.DBName
		}
		if is, should := have[i.Name], fmt.Sprint(i.Class == "UNIQUE", columns); is != should {
			*found = append(*found, fmt.Sprintf("%s: index %s is %q, should be %q", want.Table, i.Name, is, should))
		}
		delete(have, i.Name)
	}
	for name := range have {
		*found = append(*found, fmt.Sprintf("%s: no model has the index %s", want.Table, name))
	}
	return nil
}
