# Imported targets for every library. Nothing is downloaded here: scripts/setup.sh installs.
# LibTorch is the C++ part of the `torch` wheel. Its own CMake package is not used: that of the
# CUDA wheel refuses machines without a CUDA toolkit.

set(MENTOR_TORCH_VERSION 2.11.0)
if(DEFINED ENV{MENTOR_DEPS})
  set(MENTOR_DEPS_DEFAULT $ENV{MENTOR_DEPS})
else()
  set(MENTOR_DEPS_DEFAULT $ENV{HOME}/.cache/mentor)
endif()
set(MENTOR_DEPS ${MENTOR_DEPS_DEFAULT} CACHE PATH "Where scripts/setup.sh unpacked LibTorch")
set(MENTOR_TORCH_DIR "$ENV{MENTOR_TORCH_DIR}" CACHE PATH
    "An installed Python torch ${MENTOR_TORCH_VERSION} (the folder that holds lib/ and include/)")
if(NOT MENTOR_TORCH_DIR)
  set(MENTOR_TORCH_DIR ${MENTOR_DEPS}/torch-${MENTOR_TORCH_VERSION}/torch)
endif()
if(NOT EXISTS ${MENTOR_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch is not in ${MENTOR_TORCH_DIR}: run scripts/setup.sh first "
                      "(or set MENTOR_TORCH_DIR to an installed torch ${MENTOR_TORCH_VERSION})")
endif()
get_filename_component(MENTOR_NVIDIA_DIR ${MENTOR_TORCH_DIR}/../nvidia ABSOLUTE)

find_package(Threads REQUIRED)
# Pictures are decoded by the codec libraries themselves: OpenCV's imgcodecs prints damaged files'
# errors on stderr, fills missing pixels silently, and loads 120 shared libraries at every start.
find_package(OpenCV 4 REQUIRED COMPONENTS core imgproc)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)
find_library(SENTENCEPIECE_TRAIN sentencepiece_train REQUIRED)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
if(MENTOR_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
  include(GoogleTest)
endif()

add_library(mentor_torch INTERFACE)
add_library(mentor::torch ALIAS mentor_torch)
target_include_directories(mentor_torch SYSTEM INTERFACE
                           ${MENTOR_TORCH_DIR}/include
                           ${MENTOR_TORCH_DIR}/include/torch/csrc/api/include)
target_compile_definitions(mentor_torch INTERFACE USE_DISTRIBUTED USE_C10D_GLOO FMT_HEADER_ONLY=1)
target_link_libraries(mentor_torch INTERFACE ${MENTOR_TORCH_DIR}/lib/libtorch_cpu.so
                      ${MENTOR_TORCH_DIR}/lib/libc10.so Threads::Threads)
# The wheel's libraries find their NVIDIA companions through their own relative rpath.
set(CMAKE_BUILD_RPATH ${MENTOR_TORCH_DIR}/lib)
set(CMAKE_INSTALL_RPATH $ORIGIN/../lib ${MENTOR_TORCH_DIR}/lib)
target_link_options(mentor_torch INTERFACE
                    -Wl,-rpath-link,${MENTOR_NVIDIA_DIR}/cu13/lib)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
