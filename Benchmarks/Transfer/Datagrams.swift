import Cryptography
import DHT
import PeerNetwork
import Transfer
import Wire

/// A UDP socket for streams: a node of the DHT that knows nobody.
struct Datagrams: Sendable {
  let streams: DatagramStreams
  let service: DHTService

  init(key: SigningKey, at address: Address, isForeground: Bool) {
    var settings = DatagramStreams.Settings()
    settings.stream.congestion = isForeground ? .foreground : .background
    streams = DatagramStreams(key: key.publicKey, settings: settings)
    var dht = DHTSettings()
    dht.bind = address
    dht.network = "bench"
    service = DHTService(
      identity: key, settings: dht, validator: NoRecords(), streams: streams,
      logger: TransferBenchmark.logger)
  }
}

/// Takes no record.
private struct NoRecords: RecordValidator {
  func validate(
    _ bytes: [UInt8], kind: RecordKind, now: Timestamp
  ) throws(RecordRejection) -> Record {
    throw .malformed
  }
}
