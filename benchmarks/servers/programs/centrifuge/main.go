// Centrifuge, the library that Centrifugo is made of, as its README shows it, with its Redis broker.
//
//	centrifuge serve <port> <redis port>
//	centrifuge publication <text>       what its publisher would publish, in hexadecimal
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/centrifugal/protocol"
)

func main() {
	if os.Args[1] == "publication" {
		fmt.Println(publication(os.Args[2]))
		return
	}
	node := must(centrifuge.New(centrifuge.Config{ChannelMaxLength: 64}))
	broker(node, "127.0.0.1:"+os.Args[3])
	node.OnConnecting(subscribed)
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	http.Handle("/connection/websocket", anyone(centrifuge.NewWebsocketHandler(
		node, centrifuge.WebsocketConfig{UseWriteBufferPool: true})))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[2], nil))
}

// A user is whoever he says he is; he hears everyone's channel and his own.
func subscribed(_ context.Context, event centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
	var said struct{ User string }
	if err := json.Unmarshal(event.Data, &said); err != nil {
		return centrifuge.ConnectReply{}, centrifuge.DisconnectBadRequest
	}
	return centrifuge.ConnectReply{
		Credentials: &centrifuge.Credentials{UserID: said.User},
		Subscriptions: map[string]centrifuge.SubscribeOptions{
			"broadcast": {}, "user:" + said.User: {},
		},
	}, nil
}

func anyone(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nobody := centrifuge.SetCredentials(r.Context(), &centrifuge.Credentials{})
		next.ServeHTTP(w, r.WithContext(nobody))
	})
}

func broker(node *centrifuge.Node, address string) {
	shard := must(centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{Address: address}))
	shards := []*centrifuge.RedisShard{shard}
	node.SetBroker(must(centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{Shards: shards})))
}

func publication(text string) string {
	data := must(json.Marshal(map[string]string{"event": "news", "data": text}))
	written := &protocol.Publication{Data: data, Time: time.Now().UnixMilli()}
	return hex.EncodeToString(must(written.MarshalCF()))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
