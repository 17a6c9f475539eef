package sites

import (
	"fmt"
	"reflect"
	"time"
)

// words are the values of types that have a fixed set of them.
var words = map[reflect.Type][]string{
	reflect.TypeFor[Overlap]():       {string(OverlapSkip), string(OverlapQueue)},
	reflect.TypeFor[Missed]():        {string(MissedLatest), string(MissedAll), string(MissedSkip)},
	reflect.TypeFor[Isolation]():     {string(IsolationTab), string(IsolationPage), string(IsolationContext), string(IsolationBrowser)},
	reflect.TypeFor[Keep]():          {string(KeepNone), string(KeepPage)},
	reflect.TypeFor[Frames]():        {string(FramesLazy), string(FramesOn)},
	reflect.TypeFor[RobotsRule]():    {string(RobotsObey), string(RobotsIgnore)},
	reflect.TypeFor[ChallengeMode](): {string(ChallengeFail), string(ChallengeWait)},
	reflect.TypeFor[WaitEvent]():     {string(WaitLoad), string(WaitDOM), string(WaitNetworkIdle)},
	reflect.TypeFor[ResourceKind](): {
		string(KindImage), string(KindFont), string(KindMedia), string(KindStylesheet),
		string(KindScript), string(KindXHR), string(KindWebSocket), string(KindOther),
	},
	reflect.TypeFor[FieldType](): {
		string(TypeText), string(TypeRaw), string(TypeNumber), string(TypeInteger),
		string(TypeBoolean), string(TypeDate), string(TypeURL), string(TypeJSON),
	},
}

// bounds are the smallest and the largest value, both allowed.
type bounds[T int | Duration | Size | Rate] struct{ least, most T }

// intBounds hold the whole numbers of a site file.
var intBounds = map[string]bounds[int]{
	"Limits.Pages":   {1, 10_000_000},
	"Limits.Depth":   {0, 1000},
	"Limits.Burst":   {1, 1000},
	"Limits.PerHost": {1, 64},
	"Limits.Tabs":    {1, 64},
	"Limits.Retries": {0, 20},
	"Step.Times":     {1, 1000},
	"LinkRule.Limit": {0, 1_000_000},
}

// durationBounds hold the durations of a site file.
var durationBounds = map[string]bounds[Duration]{
	"Site.Jitter":        {0, Duration(24 * time.Hour)},
	"Site.Timeout":       {Duration(time.Second), Duration(7 * 24 * time.Hour)},
	"Challenge.Limit":    {Duration(time.Second), Duration(10 * time.Minute)},
	"Limits.PageTimeout": {Duration(100 * time.Millisecond), Duration(time.Hour)},
	"Limits.Hang":        {Duration(500 * time.Millisecond), Duration(time.Hour)},
	"Wait.Timeout":       {Duration(10 * time.Millisecond), Duration(time.Hour)},
	"Step.Sleep":         {Duration(time.Millisecond), Duration(time.Minute)},
	"Step.Timeout":       {Duration(10 * time.Millisecond), Duration(time.Hour)},
}

// sizeBounds hold the sizes of a site file.
var sizeBounds = map[string]bounds[Size]{
	"Limits.PageSize": {1, 1_000_000_000},
	"Limits.ItemSize": {1, 100_000_000},
}

// rateBounds hold the rates of a site file; a rate of none is outside them and legal.
var rateBounds = map[string]bounds[Rate]{
	"Limits.Rate": {1.0 / 3600, 1000},
}

// outOfRange says how a value lies outside its bounds; "" when it does not.
func outOfRange(field string, value any) string {
	switch value := value.(type) {
	case int:
		return outside(intBounds[field], value)
	case Duration:
		return outside(durationBounds[field], value)
	case Size:
		return outside(sizeBounds[field], value)
	case Rate:
		if value != 0 {
			return outside(rateBounds[field], value)
		}
	}
	return ""
}

func outside[T int | Duration | Size | Rate](b bounds[T], value T) string {
	switch {
	case value < b.least:
		return fmt.Sprintf("%v is less than the least value, %v", value, b.least)
	case value > b.most:
		return fmt.Sprintf("%v is more than the largest value, %v", value, b.most)
	}
	return ""
}
