package store

import (
	"reflect"
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
		b.WriteByte('(')
		for i, column := range values.Columns {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteQuoted(column)
		}
		b.WriteString(") SELECT * FROM unnest(")
		for i, column := range values.Columns {
			if i > 0 {
				b.WriteByte(',')
			}
			field := stmt.Schema.LookUpField(column.Name)
			array := reflect.MakeSlice(reflect.SliceOf(field.FieldType), len(values.Values), len(values.Values))
			for j, row := range values.Values {
				array.Index(j).Set(reflect.ValueOf(row[i]))
			}
			bind(stmt, array.Interface())
			b.WriteString("::" + elementType(field) + "[]")
		}
		b.WriteByte(')')
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
	b.WriteString(in.column)
	if stmt, ok := b.(*gorm.Statement); ok && stmt.Name() == "postgres" {
		b.WriteString(" = ANY(")
		bind(stmt, in.values)
		b.WriteByte(')')
		return
	}
	b.WriteString(" IN ")
	b.AddVar(b, in.values)
}
