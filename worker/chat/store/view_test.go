package store

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm/schema"
)

// TestSightsHaveAllColumns compares the columns that are named with those of the models.
func TestSightsHaveAllColumns(t *testing.T) {
	var known sync.Map
	for prefix, model := range map[string]any{" AS c_": &conversation{}, " AS m_": &member{}} {
		all, err := schema.Parse(model, &known, schema.NamingStrategy{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range all.DBNames {
			asked := strings.Contains(sightColumns+",", prefix+name+",")
			key := prefix == " AS m_" && (name == "conversation_id" || name == "user_id") // known already
			if asked == key {
				t.Errorf("%s%s is asked for: %v", prefix, name, asked)
			}
			if prefix == " AS c_" && !slices.Contains(conversationColumns, name) {
				t.Errorf("conversationColumns lacks %s", name)
			}
		}
	}
}
