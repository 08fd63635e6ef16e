package import Logging
package import NIOCore
package import ServiceLifecycle

extension RedisConfiguration {
    /// The client that the configuration asks for: of one server, or of a cluster.
    ///
    /// - Throws: what is wrong with the configuration, the files for TLS included.
    package func makeClient(
        group: any EventLoopGroup,
        logger: Logger,
        observer: (any RedisObserver)? = nil
    ) throws(RedisConfigurationError) -> any RedisCommanding & Service {
        if isCluster {
            try RedisClusterClient(configuration: self, group: group, logger: logger, observer: observer)
        } else {
            try RedisStandaloneClient(configuration: self, group: group, logger: logger, observer: observer)
        }
    }
}
