import TestSupport
import Testing

@testable import OTLPTracing

@Suite("A sampler")
struct SamplerTests {
    private func traces(_ count: Int, seed: UInt64) -> [TraceID] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in TraceID(nonZeroHigh: generator.next(), low: generator.next()) }
    }

    private func parent(isSampled: Bool, isRemote: Bool) -> TraceContext {
        TraceContext(
            traceID: TraceID(nonZeroHigh: 1, low: 0),
            spanID: SpanID(nonZero: 1),
            isSampled: isSampled,
            isRemote: isRemote
        )
    }

    @Test("of a ratio takes that share of all traces", arguments: [0.0001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.999])
    func share(_ ratio: Double) {
        let sampler = Sampler(.ratio(ratio), followsParent: false)
        let count = 200_000
        let taken = traces(count, seed: 3).count { sampler.samples($0, parent: nil) }
        let deviation = (Double(count) * ratio * (1 - ratio)).squareRoot()
        #expect(abs(Double(taken) - Double(count) * ratio) < 5 * deviation + 1)
    }

    @Test("of a ratio decides the same in every process, and takes what a smaller ratio takes")
    func consistency() {
        let ratios = [0, 0.05, 0.1, 0.3, 0.7, 1]
        for trace in traces(5000, seed: 4) {
            let decisions = ratios.map { Sampler(.ratio($0), followsParent: false).samples(trace, parent: nil) }
            #expect(decisions == decisions.sorted { !$0 && $1 })
            #expect(decisions.first == false && decisions.last == true)
        }
    }

    @Test("of a ratio looks at the low 56 bits of the trace's id only")
    func bits() throws {
        let half = Sampler(.ratio(0.5), followsParent: false)
        for high in [0, 1, UInt64.max] {
            for top in [0, UInt64(0xFF) << 56] {
                #expect(!half.samples(TraceID(nonZeroHigh: high, low: top | 0x7F_FFFF_FFFF_FFFF), parent: nil))
                #expect(half.samples(TraceID(nonZeroHigh: high, low: top | 0x80_0000_0000_0000), parent: nil))
            }
        }
        let smallest = Sampler(.ratio(0x1p-56), followsParent: false)
        #expect(smallest.samples(TraceID(nonZeroHigh: 0, low: .max), parent: nil))
        #expect(!smallest.samples(TraceID(nonZeroHigh: 0, low: .max - 1), parent: nil))
        for odd in [-1, Double.nan, -Double.infinity] {
            #expect(
                !Sampler(.ratio(odd), followsParent: false).samples(TraceID(nonZeroHigh: 0, low: .max), parent: nil)
            )
        }
    }

    @Test(
        "that follows parents takes what they have decided, another does not",
        arguments: [Sampler.Rule.always, .never, .ratio(0), .ratio(1)]
    )
    func parents(_ rule: Sampler.Rule) {
        let alone = rule == .always || rule == .ratio(1)
        for isRemote in [false, true] {
            for isSampled in [false, true] {
                let parent = parent(isSampled: isSampled, isRemote: isRemote)
                let follower = Sampler(rule, followsParent: true)
                #expect(follower.samples(parent.traceID, parent: parent) == isSampled)
                #expect(Sampler(rule, followsParent: false).samples(parent.traceID, parent: parent) == alone)
                #expect(follower.samples(parent.traceID, parent: nil) == alone)
            }
        }
    }
}
