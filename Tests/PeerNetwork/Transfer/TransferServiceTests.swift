import Cryptography
import TestSupport
import Testing
import Transfer
import Wire

@testable import PeerNetwork

@Suite(.serialized, .timeLimit(.minutes(2)))
struct TransferServiceTests {
  @Test(arguments: [1, 65_536, 65_537, 3 << 20, (9 << 20) + 5])
  func blobArrivesWhole(size: Int) async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode()
    let bytes = BlobStoreConformance.content(size: size, seed: 1)
    let root = seeder.store.add(bytes)
    let report = try await withNodes([seeder, reader]) {
      try await reader.service.fetch(root, size: UInt64(size), from: [await seeder.provider])
    }
    #expect(reader.store.bytes(of: root) == bytes)
    #expect(report.contributions == [seeder.key: UInt64(size)])
    #expect(report.resumed == 0 && report.banned.isEmpty)
  }

  @Test func aServiceThatNeverRanLetsItsPortGo() async throws {
    let node = try TransferNode()
    try await node.service.start()
    #expect(await node.service.boundAddress != nil)
    await node.service.stop()
    await #expect(throws: TransferService.StartError.notStarted) { try await node.service.run() }
  }

  @Test func twoProvidersServeAtOnce() async throws {
    let seeders = try [TransferNode(), TransferNode()]
    let reader = try TransferNode()
    let bytes = BlobStoreConformance.content(size: 24 << 20, seed: 2)
    let root = seeders[0].store.add(bytes)
    seeders[1].store.add(bytes)
    let report = try await withNodes(seeders + [reader]) {
      let providers = [await seeders[0].provider, await seeders[1].provider]
      return try await reader.service.fetch(root, size: 24 << 20, from: providers)
    }
    #expect(reader.store.bytes(of: root) == bytes)
    #expect(report.contributions.count == 2)
    #expect(report.contributions.values.reduce(0, +) == 24 << 20)
  }

  @Test func liarIsBannedAndTheBlobStillArrives() async throws {
    let honest = try TransferNode()
    let liar = try TransferNode()
    let reader = try TransferNode()
    let bytes = BlobStoreConformance.content(size: 8 << 20, seed: 3)
    let root = honest.store.add(bytes)
    liar.store.add(bytes)
    liar.store.setFaults { $0.corruptsReads = true }
    let (report, again) = try await withNodes([honest, liar, reader]) {
      let providers = [await liar.provider, await honest.provider]
      let report = try await reader.service.fetch(root, size: 8 << 20, from: providers)
      let other = liar.store.add(BlobStoreConformance.content(size: 10, seed: 4))
      let again = await #expect(throws: FetchError.self) {
        _ = try await reader.service.fetch(other, size: 10, from: [await liar.provider])
      }
      return (report, again)
    }
    #expect(reader.store.bytes(of: root) == bytes)
    guard case .badBlock? = report.banned[liar.key] else {
      Issue.record("banned: \(report.banned)")
      return
    }
    // What came with the lie and was right is kept.
    #expect(report.contributions.values.reduce(0, +) == 8 << 20)
    #expect(report.contributions[liar.key, default: 0] < 1 << 20)
    #expect(reader.service.isBanned(liar.key) && !reader.service.isBanned(honest.key))
    #expect(again == .noProviders(banned: [:]))
  }

  @Test func smallLieIsFoundToo() async throws {
    let liar = try TransferNode()
    let reader = try TransferNode()
    let root = liar.store.add(BlobStoreConformance.content(size: 1_000, seed: 5))
    liar.store.setFaults { $0.corruptsReads = true }
    try await withNodes([liar, reader]) {
      await #expect(throws: FetchError.noProviders(banned: [liar.key: .badBlock(0)])) {
        _ = try await reader.service.fetch(root, size: 1_000, from: [await liar.provider])
      }
    }
    #expect(reader.store.bytes(of: root) == nil)
  }

  @Test func otherSizeThanSignedIsALie() async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode()
    let root = seeder.store.add(BlobStoreConformance.content(size: 200_000, seed: 6))
    try await withNodes([seeder, reader]) {
      let lie = Offence.wrongSize(200_000, signed: 200_001)
      await #expect(throws: FetchError.noProviders(banned: [seeder.key: lie])) {
        _ = try await reader.service.fetch(root, size: 200_001, from: [await seeder.provider])
      }
    }
  }

  @Test func killedFetchResumesWithWhatWasChecked() async throws {
    let seeder = try TransferNode { $0.uploadLimit = 16 << 20 }
    let store = MemoryBlobStore()
    let first = try TransferNode(store: store)
    let second = try TransferNode(store: store)
    let bytes = BlobStoreConformance.content(size: 12 << 20, seed: 7)
    let root = seeder.store.add(bytes)
    let report = try await withNodes([seeder, first, second]) {
      await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          _ = try await first.service.fetch(
            root, size: 12 << 20, from: [await seeder.provider])
        }
        #expect(await eventually { (store.partialBlocks(of: root) ?? 0) >= 32 })
        group.cancelAll()
        let ended = await group.nextResult()
        #expect(throws: CancellationError.self) { try ended?.get() }
      }
      store.crash()
      seeder.service.limit(upload: nil, download: nil)
      return try await second.service.fetch(
        root, size: 12 << 20, from: [await seeder.provider])
    }
    #expect(report.resumed >= 32 << 16)
    #expect(report.contributions[seeder.key] == (12 << 20) - report.resumed)
    #expect(store.bytes(of: root) == bytes)
  }

  @Test func providerThatDiesIsReplaced() async throws {
    let dying = try TransferNode { $0.uploadLimit = 4 << 20 }
    let steady = try TransferNode()
    let reader = try TransferNode()
    let bytes = BlobStoreConformance.content(size: 16 << 20, seed: 8)
    let root = dying.store.add(bytes)
    steady.store.add(bytes)
    try await dying.service.start()
    let report = try await withNodes([steady, reader]) {
      let providers = [await dying.provider, await steady.provider]
      return try await withThrowingTaskGroup(of: FetchReport?.self) { group in
        group.addTask {
          try? await dying.service.run()
          return nil
        }
        group.addTask {
          try? await reader.service.fetch(root, size: 16 << 20, from: [providers[0]])
        }
        #expect(await eventually { (reader.store.partialBlocks(of: root) ?? 0) >= 4 })
        group.cancelAll()
        try await group.waitForAll()
        return try await reader.service.fetch(root, size: 16 << 20, from: providers)
      }
    }
    #expect(report.resumed > 0)
    #expect(reader.store.bytes(of: root) == bytes)
  }

  @Test func otherKeyThanAnnouncedIsNotTheProvider() async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode { $0.fetching.backoff = .milliseconds(10) }
    let root = seeder.store.add(BlobStoreConformance.content(size: 10, seed: 9))
    try await withNodes([seeder, reader]) {
      var provider = await seeder.provider
      provider.key = SigningKey.generate().publicKey
      await #expect(throws: FetchError.noProviders(banned: [:])) {
        _ = try await reader.service.fetch(root, size: 10, from: [provider])
      }
    }
  }

  @Test func blobThatNobodyHasFailsAtOnce() async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode()
    try await withNodes([seeder, reader]) {
      await #expect(throws: FetchError.noProviders(banned: [:])) {
        _ = try await reader.service.fetch(
          ContentRoot(.zero), size: 10, from: [await seeder.provider])
      }
    }
  }

  @Test func portInUseIsSaidClearly() async throws {
    let first = try TransferNode()
    try await withNodes([first]) {
      let address = try #require(await first.service.boundAddress)
      let second = try TransferNode { $0.bind = address }
      await #expect(throws: TransferService.StartError.portInUse(address)) {
        try await second.service.start()
      }
      #expect("\(TransferService.StartError.portInUse(address))".contains("in use"))
    }
  }

  @Test func fullDiskFailsTheFetchAndKeepsWhatIsThere() async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode()
    let bytes = BlobStoreConformance.content(size: 4 << 20, seed: 10)
    let root = seeder.store.add(bytes)
    reader.store.setFaults { $0.writesUntilFull = 10 }
    try await withNodes([seeder, reader]) {
      await #expect(throws: FetchError.store(.noSpace)) {
        _ = try await reader.service.fetch(root, size: 4 << 20, from: [await seeder.provider])
      }
      #expect(reader.store.partialBlocks(of: root) == 10)
      reader.store.setFaults { $0.writesUntilFull = nil }
      let report = try await reader.service.fetch(
        root, size: 4 << 20, from: [await seeder.provider])
      #expect(report.resumed == 10 << 16)
    }
    #expect(reader.store.bytes(of: root) == bytes)
  }

  @Test func manySmallBlobsShareAConnectionAndTheLine() async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode()
    var roots: [ContentRoot] = []
    for seed in 0..<200 as Range<UInt64> {
      roots.append(seeder.store.add(BlobStoreConformance.content(size: 2_000, seed: seed)))
    }
    let wanted = roots
    let connections = try await withNodes([seeder, reader]) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for root in wanted {
          group.addTask {
            _ = try await reader.service.fetch(
              root, size: 2_000, from: [await seeder.provider])
          }
        }
        try await group.waitForAll()
      }
      return await reader.service.snapshot().connections.count
    }
    #expect(connections == 1)
    for root in roots { #expect(reader.store.bytes(of: root) != nil) }
  }

  @Test func oneBlobAskedForTwiceIsFetchedOnce() async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode()
    let root = seeder.store.add(BlobStoreConformance.content(size: 5 << 20, seed: 11))
    let reports = try await withNodes([seeder, reader]) {
      let provider = await seeder.provider
      async let first = reader.service.fetch(root, size: 5 << 20, from: [provider])
      async let second = reader.service.fetch(root, size: 5 << 20, from: [provider])
      return try await [first, second]
    }
    #expect(reports.count { $0.resumed == 0 } == 1)
    #expect(reports.count { $0.resumed == 5 << 20 } == 1)
  }

  @Test func uploadLimitIsKept() async throws {
    let rate: UInt64 = 4 << 20
    let seeder = try TransferNode { $0.uploadLimit = rate }
    let reader = try TransferNode()
    let root = seeder.store.add(BlobStoreConformance.content(size: 6 << 20, seed: 12))
    let report = try await withNodes([seeder, reader]) {
      try await reader.service.fetch(root, size: 6 << 20, from: [await seeder.provider])
    }
    // The first quarter of a second's worth is free.
    #expect(report.duration >= .milliseconds(1_150))
  }

  @Test(arguments: [false, true])
  func downloadLimitIsKeptAndNobodyIsBlamed(isPerPeer: Bool) async throws {
    let seeder = try TransferNode()
    let reader = try TransferNode {
      if isPerPeer { $0.downloadLimitPerPeer = 4 << 20 } else { $0.downloadLimit = 4 << 20 }
    }
    let root = seeder.store.add(BlobStoreConformance.content(size: 6 << 20, seed: 13))
    let report = try await withNodes([seeder, reader]) {
      try await reader.service.fetch(root, size: 6 << 20, from: [await seeder.provider])
    }
    #expect(report.duration >= .milliseconds(1_000) && report.banned.isEmpty)
  }

  @Test func nodesBeyondTheLANAreNotServedOnAMeteredLink() async throws {
    let seeder = try TransferNode {
      $0.servesBeyondLAN = false
      $0.isLocal = { _ in false }
    }
    let reader = try TransferNode { $0.fetching.backoff = .milliseconds(10) }
    let large = seeder.store.add(BlobStoreConformance.content(size: 1 << 20, seed: 21))
    let small = seeder.store.add(BlobStoreConformance.content(size: 1_000, seed: 22))
    try await withNodes([seeder, reader]) {
      let provider = await seeder.provider
      for (root, size) in [(large, UInt64(1 << 20)), (small, 1_000)] {
        await #expect(throws: FetchError.noProviders(banned: [:])) {
          try await reader.service.fetch(root, size: size, from: [provider])
        }
      }
      seeder.service.serve(beyondLAN: true)
      _ = try await reader.service.fetch(large, size: 1 << 20, from: [provider])
    }
  }

  @Test func fetchWithoutARunningServiceIsRefused() async throws {
    let node = try TransferNode()
    await #expect(throws: FetchError.notRunning) {
      _ = try await node.service.fetch(ContentRoot(.zero), size: 1, from: [])
    }
    await #expect(throws: FetchError.badSize(0)) {
      _ = try await node.service.fetch(ContentRoot(.zero), size: 0, from: [])
    }
  }
}
