package devtools

import "github.com/chromedp/cdproto/cdp"

// Session is a DevTools session, for callers that hand one on and need no more of the protocol.
type Session = cdp.Session
