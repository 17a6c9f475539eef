package worker

import (
	"io/fs"

	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/worker/budget"
)

// Budget is the memory within which a worker keeps itself and its Chromes.
type Budget struct {
	budget.Budget
	room linux.Room
}

// ReadBudget returns the budget of a configured limit in bytes, 0 for none: of the memory cgroup, or else
// of the machine. The error says what could not be read; what could is the budget, and without anything it
// is not known.
func ReadBudget(limit int64) (*Budget, error) { return readBudget(limit, nil) }

// readBudget is ReadBudget on a machine whose files stand below root.
func readBudget(limit int64, root fs.FS) (*Budget, error) {
	room, err := linux.ReadRoom(root)
	chosen := budget.Choose(budget.Room{Limit: limit, Cgroup: room.Limit, CgroupBy: room.By, Available: room.Available, Memory: room.Memory})
	return &Budget{Budget: chosen, room: room}, err
}

// known says whether there is something to keep within.
func (b *Budget) known() bool { return b != nil && b.Known() }

// used is what counts against the budget: what the worker and its Chromes hold, and where the limit is a
// cgroup's, what all in it hold, if that is more. The kernel's limit does not ask whose it is.
func (b *Budget) used(own int64) int64 {
	if b.room.Limit != b.Total {
		return own
	}
	if all, err := b.room.Used(); err == nil {
		return max(own, all)
	}
	return own
}
