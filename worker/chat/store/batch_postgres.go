package store

import (
	"reflect"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

// PostgreSQL takes lists as arrays, one parameter per column instead of one per row and
// column. The text of a statement is then the same for each number of rows, so that it
// is parsed, described and planned once per connection; and the many parameters of a
// full batch are less work for both ends.

// arrays makes gorm insert several rows in PostgreSQL's way: INSERT INTO t (a, b)
// SELECT * FROM unnest($1::bigint[], $2::text[]).
func arrays(db *gorm.DB) {
	db.ClauseBuilders["VALUES"] = func(c clause.Clause, b clause.Builder) {
		values, ok := c.Expression.(clause.Values)
		stmt, isStmt := b.(*gorm.Statement)
		if !ok || !isStmt || stmt.Schema == nil || len(values.Values) < 2 {
			c.Build(b)
			return
		}
		put(b, "(")
		for i, column := range values.Columns {
			if i > 0 {
				put(b, ",")
			}
			b.WriteQuoted(column)
		}
		put(b, ") SELECT * FROM unnest(")
		for i, column := range values.Columns {
			if i > 0 {
				put(b, ",")
			}
			field := stmt.Schema.LookUpField(column.Name)
			array := reflect.MakeSlice(reflect.SliceOf(field.FieldType), len(values.Values), len(values.Values))
			for j, row := range values.Values {
				array.Index(j).Set(reflect.ValueOf(row[i]))
			}
			bind(stmt, array.Interface())
			put(b, "::"+elementType(field)+"[]")
		}
		put(b, ")")
	}
}

// together runs statements that write to different tables: in PostgreSQL as one, in
// which each but the last is a WITH. A round trip costs as much as the work that it asks
// for, and a batch holds its locks meanwhile.
func together(tx *gorm.DB, statements ...func(tx *gorm.DB) *gorm.DB) error {
	if tx.Name() != "postgres" {
		for _, run := range statements {
			if err := run(tx).Error; err != nil {
				return err
			}
		}
		return nil
	}
	var query strings.Builder
	var vars []any
	for i, build := range statements {
		built := build(tx.Session(&gorm.Session{DryRun: true}))
		if built.Error != nil {
			return built.Error
		}
		text := shift(built.Statement.SQL.String(), len(vars))
		vars = append(vars, built.Statement.Vars...)
		switch last := i == len(statements)-1; {
		case last && i > 0:
			query.WriteString(" " + text)
		case last:
			query.WriteString(text)
		case i == 0:
			query.WriteString("WITH s0 AS (" + text + ")")
		default:
			query.WriteString(", s" + strconv.Itoa(i) + " AS (" + text + ")")
		}
	}
	// Exec: gorm has built each of them, but knows no WITH.
	return tx.Exec(query.String(), vars...).Error
}

// shift renumbers the parameters of a statement: $1 becomes $1+by. All that comes from
// outside is a parameter, so that every $ is one.
func shift(query string, by int) string {
	if by == 0 {
		return query
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(query, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		digits := 0
		for digits < len(after) && after[digits] >= '0' && after[digits] <= '9' {
			digits++
		}
		n, _ := strconv.Atoi(after[:digits])
		out.WriteString("$" + strconv.Itoa(n+by))
		query = after[digits:]
	}
}

// elementType is a column's type without its bound, which the column itself checks.
func elementType(field *schema.Field) string {
	name, _, _ := strings.Cut(string(field.DataType), "(")
	return name
}

// bind writes a parameter and remembers its value as it is: gorm would make many of a
// slice.
func bind(stmt *gorm.Statement, value any) {
	stmt.Vars = append(stmt.Vars, value)
	stmt.BindVarTo(stmt, stmt, value)
}

// oneOf is the condition that a column has one of some values.
func oneOf[T any](column string, values []T) clause.Expression {
	return among[T]{column, values}
}

type among[T any] struct {
	column string
	values []T
}

// Build implements clause.Expression.
func (in among[T]) Build(b clause.Builder) {
	put(b, in.column)
	if stmt, ok := b.(*gorm.Statement); ok && stmt.Name() == "postgres" {
		put(b, " = ANY(")
		bind(stmt, in.values)
		put(b, ")")
		return
	}
	put(b, " IN ")
	b.AddVar(b, in.values)
}
