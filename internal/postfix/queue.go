package postfix

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// QueuedMessage is one message in the queue (postqueue(1), -j).
type QueuedMessage struct {
	Queue      string // active | deferred | hold | incoming | maildrop
	ID         string
	Arrival    time.Time
	Size       int64 // bytes
	Sender     string
	Recipients []QueuedRecipient
}

// QueuedRecipient is a recipient and why it was delayed.
type QueuedRecipient struct{ Address, Reason string }

// Reason is the first reason of a delay, "" where there is none.
func (m QueuedMessage) Reason() string {
	for _, r := range m.Recipients {
		if r.Reason != "" {
			return r.Reason
		}
	}
	return ""
}

// MaxQueue is how many messages ReadQueue returns at most.
const MaxQueue = 50_000

// ErrLongQueue is returned by ReadQueue together with the first MaxQueue messages.
var ErrLongQueue = errors.New("the queue holds more messages than are read")

// repairs is how many ends are tried for a line that has been cut off.
const repairs = 8

// parseQueued reads one line of postqueue -j. One that was cut off, since its
// message has hundreds of recipients, is read as far as it goes.
func parseQueued(line []byte) (QueuedMessage, error) {
	var j struct {
		QueueName   string `json:"queue_name"`
		QueueID     string `json:"queue_id"`
		ArrivalTime int64  `json:"arrival_time"`
		MessageSize int64  `json:"message_size"`
		Sender      string `json:"sender"`
		Recipients  []struct {
			Address     string `json:"address"`
			DelayReason string `json:"delay_reason"`
		} `json:"recipients"`
	}
	err := json.Unmarshal(line, &j)
	for try := 0; err != nil && try < repairs; try++ {
		end := bytes.LastIndexByte(line, '}') // of a recipient, or in a reason
		if end < 0 {
			break
		}
		line = line[:end:end]
		err = json.Unmarshal(append(line, "}]}"...), &j)
	}
	if err != nil {
		return QueuedMessage{}, err
	}
	m := QueuedMessage{Queue: j.QueueName, ID: j.QueueID, Arrival: time.Unix(j.ArrivalTime, 0), Size: j.MessageSize, Sender: j.Sender}
	for _, r := range j.Recipients {
		m.Recipients = append(m.Recipients, QueuedRecipient{r.Address, r.DelayReason})
	}
	return m, nil
}
