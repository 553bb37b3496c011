// What Centrifugo's publisher would publish in Redis, in hexadecimal.
//
//	centrifugo <text>
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/centrifugal/protocol"
)

func main() {
	data, err := json.Marshal(map[string]string{"event": "news", "data": os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	written := &protocol.Publication{Data: data, Time: time.Now().UnixMilli()}
	payload, err := written.MarshalVT()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hex.EncodeToString(payload))
}
