// Package linkcodec carries batches of records over gRPC without copying them.
//
// The messages of the link's stream are ordinary protobuf, and any gRPC
// library in any language reads and writes them as such. This package writes
// the same bytes by hand: the records go from the sender's buffer to the
// socket, and from gRPC's receive buffer to the record.Reader, in place.
//
//	client: grpc.WithDefaultCallOptions(grpc.ForceCodecV2(linkcodec.Codec{}))
//	server: grpc.ForceServerCodecV2(linkcodec.Codec{})
//
//	var b linkcodec.Batch
//	b.Reserve()
//	b.Records, err = record.AppendMessage(b.Records, m)
//	err = stream.SendMsg(&b)
//	b.Release()
//
//	err = stream.RecvMsg(&b)
//	r := record.NewReader(b.Records)
//	for r.Next() { … }
//	b.Release()
//
// It does not batch, time or retry anything, and does not look into records.
package linkcodec
