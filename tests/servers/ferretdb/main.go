// Program ferretdb is a server that speaks MongoDB's wire protocol, for tests on machines without MongoDB.
//
//	ferretdb ADDRESS DIRECTORY
//
// It listens on ADDRESS (host:port), keeps its data as SQLite files in DIRECTORY and ends on SIGTERM. FerretDB's SQLite
// back end reads, changes and writes a document in several steps, where MongoDB changes a document atomically. So this
// program stands in front of FerretDB and hands it one message at a time: what is slow here is as safe as in MongoDB.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

const (
	headerBytes  = 16               // length, request id, response to, operation: four little-endian integers
	maxMessage   = 48 * 1000 * 1000 // MongoDB's maxMessageSizeBytes
	moreToCome   = 1 << 1           // flag of OP_MSG: the sender expects no answer
	opMsg        = 2013
	flagsMinimum = headerBytes + 4
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: ferretdb ADDRESS DIRECTORY"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, os.Args[1], os.Args[2]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// serve runs FerretDB on a port of its own until ctx ends, and carries messages to it.
func serve(ctx context.Context, address, directory string) error {
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + directory + "/",
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	behind, err := url.Parse(server.MongoDBURI())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		var turn sync.Mutex
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go carry(client, behind.Host, &turn)
		}
	}()
	<-ctx.Done()
	_ = listener.Close()
	return <-ended
}

// carry hands the messages of one client to FerretDB, each in its turn, and the answers back.
func carry(client net.Conn, address string, turn *sync.Mutex) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	for {
		request, err := read(client)
		if err != nil {
			return
		}
		answer, err := exchange(server, request, turn)
		if err != nil {
			return
		}
		if _, err = client.Write(answer); err != nil {
			return
		}
	}
}

func exchange(server net.Conn, request []byte, turn *sync.Mutex) ([]byte, error) {
	turn.Lock()
	defer turn.Unlock()
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	if expectsNoAnswer(request) {
		return nil, nil
	}
	return read(server)
}

func expectsNoAnswer(message []byte) bool {
	if len(message) < flagsMinimum || binary.LittleEndian.Uint32(message[12:]) != opMsg {
		return false
	}
	return binary.LittleEndian.Uint32(message[headerBytes:])&moreToCome != 0
}

// read returns one message, header included.
func read(connection net.Conn) ([]byte, error) {
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(connection, header); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(header)
	if length < headerBytes || length > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	message := make([]byte, length)
	copy(message, header)
	_, err := io.ReadFull(connection, message[headerBytes:])
	return message, err
}
